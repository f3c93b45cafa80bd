"""Steps of the benchmark of clock estimation: noise models, and the methods that it sets side by side."""
