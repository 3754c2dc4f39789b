# A Gluster host: glusterd and hod-agent side by side, each stopped and started without the other.
#
# Stages are ordered by use, since the legacy builder builds every stage up to its target:
#   gluster   glusterd alone, for a hod-agent that is bind-mounted (the tests do so)
#   host      the same with hod-agent inside (the demo)
#
# The suite decides Gluster's version: bullseye 9.2, bookworm 10.3, trixie 11.1.
# The build context is a folder that holds the binaries and `host/` of this folder.
ARG SUITE=bookworm
FROM debian:${SUITE}-slim AS gluster
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      glusterfs-server glusterfs-client runit tini iproute2 procps attr \
 && rm -rf /var/lib/apt/lists/* /etc/service/* \
 # Each host makes its own UUID when it first starts; one in the image would be shared by all.
 && rm -f /var/lib/glusterd/glusterd.info
COPY host/entrypoint /usr/local/sbin/entrypoint
COPY host/glusterd.run /etc/sv/glusterd/run
COPY host/hod-agent.run /etc/sv/hod-agent/run
RUN chmod 755 /usr/local/sbin/entrypoint /etc/sv/glusterd/run /etc/sv/hod-agent/run \
 && mkdir -p /etc/service /bricks /etc/hod
# Bricks need trusted extended attributes, which a container's own file system (overlayfs) lacks.
VOLUME /bricks
# runsvdir ends its services on HUP and leaves them on TERM.
STOPSIGNAL SIGHUP
ENTRYPOINT ["tini", "--", "entrypoint"]

FROM gluster AS host
COPY hod-agent /usr/local/bin/hod-agent
