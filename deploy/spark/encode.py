"""The program that spark-submit runs: rtt2vec-build on the driver, with its arguments.

spark-submit --master … deploy/spark/encode.py encode --engine spark --table db.purchases --out …
"""

from index_builder.cli.main import main

main()
