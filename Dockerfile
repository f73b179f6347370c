# Airflow with this package in it, and with what its demo needs. The versions are those of requirements.lock.
FROM python:3.11-slim AS build
WORKDIR /src
COPY requirements.lock ./
RUN awk '/^[a-z]/ {wanted = /^uv==/} wanted' requirements.lock > uv.lock \
 && python -m venv /opt/venv \
 && pip install --no-cache-dir --require-hashes --no-deps -r uv.lock
COPY . .
# The lock is a constraint here, not a list: the image has no linters and no test tools.
RUN VIRTUAL_ENV=/opt/venv uv pip install --no-cache --compile-bytecode \
      --constraint requirements.lock --build-constraint requirements.lock ".[postgres,demo,notifications]"

FROM python:3.11-slim
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__LOAD_EXAMPLES=False
COPY --from=build /opt/venv /opt/venv
# A named volume takes owner and mode from the folder that it covers.
RUN useradd --uid 50000 --gid 0 --home-dir /opt/airflow --shell /usr/sbin/nologin airflow \
 && install -d -o airflow -g 0 -m 0775 /opt/airflow /opt/airflow/dags /opt/airflow/logs /opt/airflow/state /opt/simulator
USER airflow
WORKDIR /opt/airflow
# `airflow pipelines init` writes the DAG files; docker-compose.yaml runs it before anything else.
CMD ["airflow", "info"]
