//! What is particular to the store on a server.

use crate::support::postgres::Database;
use std::sync::Arc;
use vestibule::store::SharedStore;

/// An empty store and two handles on it, as two nodes have them.
pub async fn fresh() -> (Database, SharedStore, SharedStore) {
    let place = Database::with_tables().await;
    let (one, other) = (place.store().await, place.store().await);
    (place, Arc::new(one), Arc::new(other))
}
