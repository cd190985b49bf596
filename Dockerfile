# nexo in a container: no root, no shell access to keys, nothing fetched at run time.
# docker build -t nexo . && docker compose up -d        (compose.yaml has the rest: read-only root, no capabilities)
FROM denoland/deno:debian-2.9.6

# Walls around extensions and MCP servers, where the container may make some (docs/extensions.md); else the container is
# the only one, and they are reported as unconfined.
RUN apt-get update \
    && apt-get install -y --no-install-recommends bubblewrap util-linux \
    && rm -rf /var/lib/apt/lists/*

ENV DENO_DIR=/opt/deno DENO_NO_UPDATE_CHECK=1
WORKDIR /opt/nexo
COPY deno.json deno.lock main.ts ./
COPY config config
COPY console console
COPY extensions extensions
COPY plugins plugins
COPY src src
RUN deno install --frozen && chmod -R a+rX /opt/deno /opt/nexo

# The numbers let an orchestrator see that this is not root.
RUN useradd --system --uid 10001 --home-dir /data nexo \
    && install -d -m 700 -o nexo /data /config
USER 10001
VOLUME ["/data", "/config"]

# Inside of the container only; publish it on the host's loopback: -p 127.0.0.1:9091:9091
ENV AGENT_CONFIG=/config/nexo AGENT_DATA=/data AGENT_ADMIN_ADDR=0.0.0.0:9091 AGENT_METRICS_ADDR=0.0.0.0:9090
EXPOSE 8080 9090 9091
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["deno", "eval", "Deno.exit((await fetch('http://127.0.0.1:8080/health')).ok ? 0 : 1)"]

# The flags of the task `agent` in deno.json. `docker run nexo doctor` runs another command.
ENTRYPOINT ["deno", "run", "--v8-flags=--expose-gc,--max-semi-space-size=16", "--cached-only", "--no-prompt", "--allow-net", "--allow-read", "--allow-write", "--allow-env", "--allow-run", "--allow-ffi", "main.ts"]
CMD ["run"]
