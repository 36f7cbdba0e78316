"""Whether log files are what CloudTrail delivered: digest files, their signatures and their chain."""
