# The coordinator with the binaries of a PostgreSQL, which it runs privately when it is given no
# address of another: in its state folder, on a Unix socket, as the user hod.
#
# Stages are ordered by use, since the legacy builder builds every stage up to its target:
#   postgresql    everything but the programs, for those that are bind-mounted (the tests do so)
#   coordinator   the same with hod-coordinator and hod inside (the demo)
ARG SUITE=bookworm
FROM debian:${SUITE}-slim AS postgresql
# The package would make a cluster of its own, which nobody here uses.
RUN mkdir -p /etc/postgresql-common \
 && echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf \
 && apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      postgresql tini ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --home-dir /var/lib/hod --create-home --shell /usr/sbin/nologin hod \
 && mkdir -p /etc/hod
VOLUME /var/lib/hod
USER hod
EXPOSE 7470 7471
ENTRYPOINT ["tini", "--", "hod-coordinator"]

FROM postgresql AS coordinator
COPY hod hod-coordinator /usr/local/bin/
