"""Steps of sync: times and evidence out of the dataset, results into its tables, the certificate."""
