# syntax=docker/dockerfile:1
# A container of Vestibule: docker build -t vestibule . ; how it is run: docs/operations.md, "In a container".

FROM rust:1.95-slim-bookworm AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends cmake gcc libc6-dev make \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cargo build --release --locked --bin vestibule

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --system --gid 10001 vestibule \
 && useradd --system --uid 10001 --gid vestibule --home-dir /var/lib/vestibule --shell /usr/sbin/nologin vestibule \
 && install -d -m 0700 -o vestibule -g vestibule /var/lib/vestibule
COPY --from=build /src/target/release/vestibule /usr/bin/vestibule
USER 10001:10001
VOLUME /var/lib/vestibule
EXPOSE 8443 8080
# there is no HTTP client in the image; bash asks operations.address itself
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9090 && printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' >&3 && grep -q '^HTTP/1.[01] 200' <&3"]
ENTRYPOINT ["/usr/bin/vestibule"]
CMD ["serve", "--config", "/etc/vestibule/vestibule.yaml"]
