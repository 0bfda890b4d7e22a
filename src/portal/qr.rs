//! The QR code as one SVG path of horizontal strokes: small, sharp at any size, read in light and dark
//! (the box around it is always white).

use qrcode::{Color, EcLevel, QrCode};
use std::fmt::Write as _;

/// What goes into the page's `<svg>`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drawing {
    pub view_box: String,
    pub path: String,
}

/// Draws `text` with error correction M. Text longer than any QR code holds (2,331 bytes) draws nothing.
pub fn draw(text: &str) -> Drawing {
    let Ok(code) = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::M) else {
        return Drawing::default();
    };
    let width = code.width();
    let mut path = String::from("M0 0");
    // where the pen is: moves relative to it are shorter than places
    let mut pen = (0, 0);
    for (y, row) in code.to_colors().chunks(width).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(|a, b| a == b) {
            if run.first() == Some(&Color::Dark) {
                if pen != (x, y) {
                    let _ = write!(path, "m{} {}", offset(pen.0, x), offset(pen.1, y));
                }
                let _ = write!(path, "h{}", run.len());
                pen = (x + run.len(), y);
            }
            x += run.len();
        }
    }
    Drawing {
        // strokes are centred on their line, hence the half
        view_box: format!("-1 -1.5 {} {}", width + 2, width + 2),
        path,
    }
}

/// How far from one place to the next, in modules: at most a code's width, 177.
fn offset(from: usize, to: usize) -> String {
    if from > to {
        format!("-{}", from - to)
    } else {
        (to - from).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_strokes() {
        let drawing = draw("otpauth://totp/Northgate:aino?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert!(
            drawing.path.starts_with("M0 0h7"),
            "the finder pattern's edge"
        );
        assert!(drawing.path.len() < 8_000);
        assert_eq!(draw(&"x".repeat(5_000)), Drawing::default());
    }
}
