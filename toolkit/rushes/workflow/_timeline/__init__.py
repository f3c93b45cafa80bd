"""Steps of laying a recording out on one clock."""
