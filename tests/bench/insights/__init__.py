"""How well detectors find unusual API call rates: invented accounts, planted anomalies, rivals, scores."""
