# The image of all roles: `docker build -t likewise .`, then `docker run likewise serve --help`.
#
# Building takes what `make setup` installs on a machine. Swift's libraries lie beside the binary in the image, since Debian
# has none; librdkafka and libpq are loaded when a cluster's role starts, so nothing that is linked tells of them.

FROM swift:6.3-bookworm AS build
WORKDIR /src
COPY scripts/setup.sh scripts/setup.sh
RUN scripts/setup.sh && rm -rf /var/lib/apt/lists/*
COPY Package.swift ./
COPY Sources Sources
# They are not built, but the manifest names them.
COPY Tests Tests
RUN swift build -c release --product likewise
COPY scripts/deploy/stage.sh scripts/deploy/stage.sh
RUN scripts/deploy/stage.sh .build/release/likewise /stage

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates libpq5 librdkafka1 libsqlite3-0 libstdc++6 zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 likewise \
    && useradd --uid 10001 --gid likewise --home-dir /data --no-create-home likewise \
    && install -d -o likewise -g likewise -m 0750 /data
COPY --from=build /stage /opt/likewise
COPY deploy/healthcheck.sh /usr/local/bin/healthcheck
RUN ln -s /opt/likewise/likewise /usr/local/bin/likewise

# Nothing but /data is written, so the root file system may be read-only (docker run --read-only).
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080 9100
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["healthcheck", "8080", "/health/live"]
ENTRYPOINT ["likewise"]
# On the container's own loopback. To be reached from outside it takes `--host 0.0.0.0 --insecure`, which is for whoever starts
# it to say, because callers have no identity in this version.
CMD ["serve", "--data-dir", "/data"]
