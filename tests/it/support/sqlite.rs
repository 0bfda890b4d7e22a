//! Whether a store in a file is whole.

use std::path::Path;

/// What `PRAGMA integrity_check` has to say, and rows without the one they belong to; `None` where all is well.
pub(crate) async fn damage(file: &Path) -> Option<String> {
    use sqlx::Connection as _;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
    let db = sqlx::sqlite::SqliteConnection::connect_with(&options).await;
    let mut db = db.unwrap();
    let word: String = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_one(&mut db)
        .await
        .unwrap();
    let orphans = sqlx::query("PRAGMA foreign_key_check")
        .fetch_all(&mut db)
        .await
        .unwrap();
    db.close().await.unwrap();
    let is_whole = word == "ok" && orphans.is_empty();
    (!is_whole).then(|| format!("{word}, {} orphans", orphans.len()))
}
