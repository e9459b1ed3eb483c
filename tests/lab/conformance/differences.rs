//! What is known of clients that do not what they should, and why: counted exactly, so that a new case fails and so does
//! one that vanished.

use super::Difference;
use super::witness::METADATA6;

/// Some differences, and their reason.
pub(super) struct Known {
    pub(super) clients: &'static [&'static str],
    /// The shape; all where empty.
    pub(super) shape: &'static str,
    /// The target; all where empty.
    pub(super) target: &'static str,
    /// How many letters.
    pub(super) count: usize,
    pub(super) why: &'static str,
}

impl Known {
    fn covers(&self, difference: &Difference) -> bool {
        self.clients.contains(&difference.client)
            && [self.shape, ""].contains(&if self.shape.is_empty() {
                ""
            } else {
                difference.shape
            })
            && [self.target, ""].contains(&if self.target.is_empty() {
                ""
            } else {
                difference.target
            })
    }
}

/// Problems: `found` where it is not what `known` says.
pub(super) fn settle(
    what: &str,
    known: &[Known],
    mut found: Vec<Difference>,
    is_whole: bool,
) -> Vec<String> {
    let mut problems = Vec::new();
    for known in known {
        let before = found.len();
        found.retain(|difference| !known.covers(difference));
        let count = before - found.len();
        if count != known.count && is_whole {
            let Known {
                clients,
                shape,
                target,
                ..
            } = known;
            let wanted = known.count;
            problems.push(format!(
                "{what}: {clients:?} {shape} {target}: {count} differences, not {wanted}"
            ));
        }
    }
    problems.extend(
        found
            .iter()
            .map(|difference| format!("{what}: {difference:?}")),
    );
    problems
}

/// Where clients do what the model does not say.
pub(super) const SURPRISES: &[Known] = &[];

/// Where clients go a wrong way in a mended environment.
pub(super) const LIMITS: &[Known] = &[Known {
    clients: &["x"],
    shape: "",
    target: METADATA6,
    count: 0,
    why: "",
}];
