//! Where a database server is, who asks there, and how the way to it is protected.

use std::path::PathBuf;
use zeroize::Zeroizing;

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Tcp {
        host: String,
        port: u16,
    },
    /// A Unix socket, by its folder.
    Socket {
        folder: PathBuf,
        port: u16,
    },
}

/// How the way to the server is protected; `sslmode` of PostgreSQL's own clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// `disable`
    None,
    /// `prefer`
    IfOffered,
    /// `require`: encrypted, and nobody knows by whom.
    Encrypted,
    /// `verify-ca`
    Authority,
    /// `verify-full`
    Host,
}

/// A database on a server, and who asks.
#[derive(Clone, PartialEq, Eq)]
pub struct Server {
    pub place: Place,
    pub user: String,
    pub password: Option<Zeroizing<String>>,
    pub database: String,
    pub protection: Protection,
    /// PEM file of authorities that are trusted besides the machine's own.
    pub authorities: Option<PathBuf>,
    /// Our own certificate and its key, PEM.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// Most connections at once; hearing of changes takes one more.
    pub connections: u32,
}

/// Without the password.
impl std::fmt::Display for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "database {} at ", self.database)?;
        match &self.place {
            Place::Tcp { host, port } => write!(f, "{host}:{port}"),
            Place::Socket { folder, port } => write!(f, "{}:{port}", folder.display()),
        }
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Server({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let server = Server {
            place: Place::Tcp {
                host: "db.test".into(),
                port: 5432,
            },
            user: "vestibule".into(),
            password: Some(Zeroizing::new("hunter2".into())),
            database: "sso".into(),
            protection: Protection::Host,
            authorities: None,
            certificate: None,
            connections: 4,
        };
        assert_eq!(format!("{server}"), "database sso at db.test:5432");
        assert!(!format!("{server:?}").contains("hunter2"));
    }
}
