//! As much of SMTP (RFC 5321) as it takes to be handed a mail. No TLS, no sign-in, no extension; all sizes are bounded.

use super::Kept;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

const CONNECTIONS: usize = 16;
const LONGEST_LINE: u64 = 4 * 1024;
const LARGEST_MAIL: usize = 256 * 1024;
/// No connection is kept longer.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) async fn accept(listener: TcpListener, kept: Arc<Kept>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    // the semaphore is never closed
    while let Ok(place) = Arc::clone(&room).acquire_owned().await {
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                let kept = Arc::clone(&kept);
                connections.spawn(async move {
                    let _ = tokio::time::timeout(PATIENCE, converse(stream, &kept)).await;
                    drop(place);
                });
            }
            Err(e) => {
                tracing::warn!(error = %e, "the demo's mailbox cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn converse(stream: TcpStream, kept: &Kept) -> std::io::Result<()> {
    let (reading, mut writing) = stream.into_split();
    let mut reading = BufReader::new(reading);
    writing.write_all(b"220 demo mailbox\r\n").await?;
    while let Some(line) = line(&mut reading).await? {
        let text = String::from_utf8_lossy(&line).to_ascii_uppercase();
        let verb = text.split([' ', '\r', '\n']).next().unwrap_or_default();
        let answer: &[u8] = match verb {
            "EHLO" | "HELO" => b"250 demo mailbox\r\n",
            "MAIL" | "RCPT" | "RSET" | "NOOP" => b"250 OK\r\n",
            "DATA" => {
                writing.write_all(b"354 go on\r\n").await?;
                match data(&mut reading).await? {
                    Data::Mail(mail) if kept.keep(&mail).is_ok() => b"250 kept\r\n",
                    Data::Mail(_) => b"451 it cannot be kept\r\n",
                    Data::TooLarge => b"552 too large\r\n",
                    Data::CutOff => return Ok(()),
                }
            }
            "QUIT" => {
                writing.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => b"502 not here\r\n",
        };
        writing.write_all(answer).await?;
    }
    Ok(())
}

/// `None` at the end, and for a line without one.
async fn line(reading: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let mut bounded = reading.take(LONGEST_LINE);
    bounded.read_until(b'\n', &mut line).await?;
    Ok(line.ends_with(b"\n").then_some(line))
}

enum Data {
    Mail(Vec<u8>),
    TooLarge,
    CutOff,
}

/// Up to the line with nothing but a dot; doubled dots are undone (RFC 5321 4.5.2).
async fn data(reading: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Data> {
    let mut mail = Vec::new();
    let mut too_large = false;
    while let Some(line) = line(reading).await? {
        if line == b".\r\n" {
            return Ok(if too_large {
                Data::TooLarge
            } else {
                Data::Mail(mail)
            });
        }
        let line = line.strip_prefix(b".").unwrap_or(&line);
        too_large |= mail.len() + line.len() > LARGEST_MAIL;
        if !too_large {
            mail.extend_from_slice(line);
        }
    }
    Ok(Data::CutOff)
}
