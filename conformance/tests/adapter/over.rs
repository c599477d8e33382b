//! The transports that the tests go over.

use durable_streams_client::{ClientBuilder, Error};
use durable_streams_conformance::script::{Reply, ScriptServer};
use serde_json::json;

use crate::support::{Adapter, Server, path};

/// A transport of the project.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Over {
    Hyper,
    Isahc,
    Reqwest,
}

/// Makes a test of each of these functions, over each of the transports.
macro_rules! over_every_transport {
    (@$name:ident $over:ident: $($(#[$attribute:meta])* $test:ident),+) => {
        mod $name {
            $(
                #[tokio::test]
                $(#[$attribute])*
                async fn $test() {
                    super::$test($crate::over::Over::$over).await;
                }
            )+
        }
    };
    ($($(#[$attribute:meta])* $test:ident),+ $(,)?) => {
        over_every_transport!(@over_hyper Hyper: $($(#[$attribute])* $test),+);
        over_every_transport!(@over_isahc Isahc: $($(#[$attribute])* $test),+);
        over_every_transport!(@over_reqwest Reqwest: $($(#[$attribute])* $test),+);
    };
}

impl Over {
    pub(crate) fn client(self, root: &str) -> Result<ClientBuilder, Error> {
        match self {
            Self::Hyper => durable_streams_hyper::client(root),
            Self::Isahc => durable_streams_isahc::client(root),
            Self::Reqwest => durable_streams_reqwest::client(root),
        }
    }

    /// An adapter that knows its server.
    pub(crate) async fn adapter(self, url: &str) -> Adapter {
        let mut adapter = Adapter::new(self);
        adapter.ok(json!({"type": "init", "serverUrl": url})).await;
        adapter
    }

    /// A server and an adapter on it, with a stream of this content type.
    pub(crate) async fn stream(self, content_type: &str) -> (Server, Adapter, String) {
        let server = Server::start().await;
        let mut adapter = server.adapter(self).await;
        let path = path();
        let create = json!({"type": "create", "path": path, "contentType": content_type});
        adapter.ok(create).await;
        (server, adapter, path)
    }

    /// A scripted server and an adapter on it.
    pub(crate) async fn scripted(
        self,
        replies: impl IntoIterator<Item = Reply>,
    ) -> (ScriptServer, Adapter) {
        let server = ScriptServer::start().await.unwrap();
        server.replies(replies);
        let adapter = self.adapter(&server.url("")).await;
        (server, adapter)
    }
}
