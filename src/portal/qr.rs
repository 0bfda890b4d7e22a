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
    let mut path = String::new();
    for (y, row) in code.to_colors().chunks(width).enumerate() {
        let mut x = 0;
        while x < row.len() {
            let run = row
                .iter()
                .skip(x)
                .take_while(|c| **c == Color::Dark)
                .count();
            if run == 0 {
                x += 1;
                continue;
            }
            let _ = write!(path, "M{x} {y}h{run}");
            x += run;
        }
    }
    Drawing {
        // strokes are centred on their line, hence the half
        view_box: format!("-1 -1.5 {} {}", width + 2, width + 2),
        path,
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
