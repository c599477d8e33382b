//! How things stand with a subscription, for those who watch.

use crate::reference::model::Model;

/// Who works for a subscription, and how far work has come.
#[derive(Debug)]
pub(crate) struct Standing {
    /// That of the last wake.
    pub(crate) generation: u64,
    /// Who has claimed it, while it goes on.
    pub(crate) holder: Option<String>,
    /// What is acknowledged of each linked stream, by path below the root.
    pub(crate) acked: Vec<(String, u64)>,
}

impl Standing {
    /// What is acknowledged of a stream.
    pub(crate) fn acked(&self, path: &str) -> u64 {
        let mut acked = self.acked.iter();
        acked
            .find(|(of, _)| of == path)
            .map_or(0, |(_, acked)| *acked)
    }
}

impl Model {
    /// How things stand with the subscription of this id below this root.
    pub(crate) fn standing(&self, root: &str, id: &str) -> Option<Standing> {
        let key = self.subscriptions.find(root, id)?;
        let subscription = self.subscriptions.by_key.get(&key)?;
        let links = subscription.links.iter();
        Some(Standing {
            generation: subscription.generation,
            holder: subscription.holder().map(str::to_owned),
            acked: links
                .map(|(path, link)| (path.clone(), link.acked.0))
                .collect(),
        })
    }
}
