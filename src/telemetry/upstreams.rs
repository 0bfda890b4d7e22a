//! What is counted about upstreams. Labels come from the configuration, and go with it.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Place {
    route: String,
    upstream: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Debug, Default)]
pub struct Upstreams {
    up: Family<Place, Gauge>,
    ejections: Family<Place, Counter>,
    retries: Family<Route, Counter>,
}

impl Upstreams {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "upstream_up",
            "Whether the health checks find an upstream well (1) or not (0)",
            self.up.clone(),
        );
        registry.register(
            "upstream_ejections",
            "Times an address of an upstream was left out for a while because requests to it failed",
            self.ejections.clone(),
        );
        registry.register(
            "upstream_retries",
            "Requests sent to another upstream, or once more",
            self.retries.clone(),
        );
    }

    pub fn set_up(&self, route: &str, upstream: &str, up: bool) {
        let gauge = self.up.get_or_create_owned(&place(route, upstream));
        gauge.set(i64::from(up));
    }

    /// It is not checked any more.
    pub fn gone(&self, route: &str, upstream: &str) {
        self.up.remove(&place(route, upstream));
    }

    pub fn ejected(&self, route: &str, upstream: &str) {
        self.ejections.get_or_create(&place(route, upstream)).inc();
    }

    pub fn retried(&self, route: &str) {
        let label = Route {
            route: route.to_owned(),
        };
        self.retries.get_or_create(&label).inc();
    }
}

fn place(route: &str, upstream: &str) -> Place {
    Place {
        route: route.to_owned(),
        upstream: upstream.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use crate::telemetry::Metrics;

    #[test]
    fn by_route_and_upstream_and_gone_with_the_configuration() {
        let metrics = Metrics::new("0", 0);
        let upstreams = metrics.upstreams();
        upstreams.set_up("wiki", "http://10.0.0.5:3000", true);
        upstreams.set_up("wiki", "http://10.0.0.6:3000", false);
        upstreams.ejected("wiki", "http://10.0.0.6:3000");
        upstreams.retried("wiki");
        let text = metrics.encode().unwrap();
        for line in [
            "vestibule_upstream_up{route=\"wiki\",upstream=\"http://10.0.0.5:3000\"} 1\n",
            "vestibule_upstream_up{route=\"wiki\",upstream=\"http://10.0.0.6:3000\"} 0\n",
            "vestibule_upstream_ejections_total{route=\"wiki\",upstream=\"http://10.0.0.6:3000\"} 1\n",
            "vestibule_upstream_retries_total{route=\"wiki\"} 1\n",
        ] {
            assert!(text.contains(line), "{line} {text}");
        }
        upstreams.gone("wiki", "http://10.0.0.6:3000");
        let text = metrics.encode().unwrap();
        assert!(
            text.contains("upstream_up{") && !text.contains("upstream=\"http://10.0.0.6:3000\"} 0")
        );
    }
}
