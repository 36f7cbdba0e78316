"""
Small, real-shaped CloudTrail files and the code that makes them.
"""
