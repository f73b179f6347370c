"""Three vendors' REST APIs and plain HTTP jobs on loopback, so that demo and tests run the official hooks end to end.

Start it with ``python -m airflow_backfill_provider.demo.simulator --port P --tls-port T --home DIR`` or, from Python,
with :class:`airflow_backfill_provider.demo.simulator.process.SimulatorProcess`.
"""
