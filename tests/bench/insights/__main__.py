"""
python -m tests.bench.insights

See README.md beside this file.
"""

from tests.bench.insights.run import main

if __name__ == "__main__":
    main()
