//! docs/routes.md

use runup::route::Client;

use super::Row;

pub(super) fn page(_rows: &[Row], _clients: &[&'static Client]) -> String {
    String::new()
}
