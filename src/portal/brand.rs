//! The organisation's name, colours, help and apps.

use crate::i18n::Language;
use std::fmt::Write as _;

#[derive(Clone, Debug, Default)]
pub struct Support {
    pub email: Option<String>,
    pub phone: Option<String>,
    pub chat: Option<String>,
}

impl Support {
    pub const fn any(&self) -> bool {
        self.email.is_some() || self.phone.is_some() || self.chat.is_some()
    }

    /// The telephone number as a `tel:` address: digits and the plus sign.
    pub fn tel(&self) -> String {
        let number = self.phone.as_deref().unwrap_or_default();
        number
            .chars()
            .filter(|c| c.is_ascii_digit() || *c == '+')
            .collect()
    }
}

/// An authenticator app and where to get it.
#[derive(Clone, Debug)]
pub struct AuthenticatorApp {
    pub name: String,
    /// The organisation's own: comes first, recommended.
    pub own: bool,
    pub ios: Option<String>,
    pub android: Option<String>,
    /// A short address to type on the phone.
    pub short: Option<String>,
}

/// The organisation's logo, an SVG or a PNG by its content.
#[derive(Clone, Debug)]
pub struct Logo {
    pub kind: &'static str,
    pub bytes: Vec<u8>,
}

impl Logo {
    /// `None` for anything that is neither.
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        let is_png = bytes.starts_with(b"\x89PNG\r\n\x1a\n");
        let is_svg = std::str::from_utf8(&bytes).is_ok_and(|text| text.contains("<svg"));
        let kind = match (is_png, is_svg) {
            (true, _) => "image/png",
            (false, true) => "image/svg+xml",
            (false, false) => return None,
        };
        Some(Self { kind, bytes })
    }
}

#[derive(Clone, Debug)]
pub struct Brand {
    pub name: String,
    pub logo: Option<Logo>,
    /// `#rrggbb`.
    pub accent: Option<String>,
    pub support: Support,
    /// Offered languages; the first is the organisation's.
    pub languages: Vec<Language>,
    pub apps: Vec<AuthenticatorApp>,
}

impl Brand {
    pub fn own_app(&self) -> Option<&AuthenticatorApp> {
        self.apps.iter().find(|app| app.own)
    }

    /// Everybody else's apps: the configured ones, or the two that most phones have.
    pub fn other_apps(&self) -> Vec<AuthenticatorApp> {
        let configured: Vec<_> = self.apps.iter().filter(|app| !app.own).cloned().collect();
        if configured.is_empty() {
            known_apps()
        } else {
            configured
        }
    }

    /// `brand.css`: the accent in both schemes, moved as far towards dark or light as legibility asks.
    pub fn css(&self) -> Result<String, BadAccent> {
        let Some(accent) = &self.accent else {
            return Ok(String::new());
        };
        let accent = Color::parse(accent).ok_or_else(|| BadAccent(accent.clone()))?;
        let light = accent.until_legible_on(&LIGHT_GROUNDS, Color::BLACK);
        let dark = accent.until_bright_on(&DARK_GROUNDS);
        let panel = accent
            .mixed(Color::BLACK, 0.25)
            .until_legible_on(&[ON_PANEL_2, ON_PANEL], Color::BLACK);
        let dark_panel = panel.mixed(Color::BLACK, 0.45);
        let mut css = String::new();
        let _ = write!(
            css,
            ":root{{--brand:{};--brand-2:{};--on-brand:#fff;--panel:{}}}\n\
             @media (prefers-color-scheme:dark){{:root{{--brand:{};--brand-2:{};--on-brand:{};--panel:{}}}}}\n",
            light,
            light.mixed(Color::BLACK, 0.25),
            panel,
            dark,
            dark.mixed(Color::WHITE, 0.25),
            dark.until_legible_ink(),
            dark_panel,
        );
        Ok(css)
    }
}

/// The accent is not a colour.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a colour: write it as \"#rrggbb\", for example \"#18594f\"")]
pub struct BadAccent(String);

fn known_apps() -> Vec<AuthenticatorApp> {
    let app = |name: &str, ios: &str, android: &str| AuthenticatorApp {
        name: name.to_owned(),
        own: false,
        ios: Some(format!("https://apps.apple.com/app/{ios}")),
        android: Some(format!(
            "https://play.google.com/store/apps/details?id={android}"
        )),
        short: None,
    };
    vec![
        app(
            "Google Authenticator",
            "id388497605",
            "com.google.android.apps.authenticator2",
        ),
        app(
            "Microsoft Authenticator",
            "id983156458",
            "com.azure.authenticator",
        ),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Color {
    r: f64,
    g: f64,
    b: f64,
}

/// `--surface`, `--paper` and `--sunk` of `assets/style.css`: all that links are written on.
const LIGHT_GROUNDS: [Color; 3] = [
    Color::rgb(0xff, 0xff, 0xff),
    Color::rgb(0xf7, 0xf5, 0xef),
    Color::rgb(0xf0, 0xed, 0xe4),
];
const DARK_GROUNDS: [Color; 3] = [
    Color::rgb(0x1a, 0x22, 0x20),
    Color::rgb(0x12, 0x18, 0x16),
    Color::rgb(0x23, 0x2c, 0x29),
];
const ON_PANEL: Color = Color::rgb(0xf4, 0xf1, 0xe8);
const ON_PANEL_2: Color = Color::rgb(0xb9, 0xcd, 0xc6);

/// WCAG 2.2 SC 1.4.3 asks for 4.5:1; a little more, for rounding.
const CONTRAST: f64 = 4.55;

/// On dark grounds the barely legible looks dull.
const BRIGHT: f64 = 7.5;

impl Color {
    const BLACK: Self = Self::rgb(0, 0, 0);
    const WHITE: Self = Self::rgb(255, 255, 255);

    const fn rgb(r: u8, g: u8, b: u8) -> Self {
        Self {
            r: r as f64,
            g: g as f64,
            b: b as f64,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let hex = text
            .strip_prefix('#')
            .filter(|h| h.len() == 6 && h.is_ascii())?;
        let part = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
        Some(Self::rgb(part(0)?, part(2)?, part(4)?))
    }

    fn mixed(self, other: Self, share: f64) -> Self {
        let mix = |a: f64, b: f64| a.mul_add(1.0 - share, b * share).round();
        Self {
            r: mix(self.r, other.r),
            g: mix(self.g, other.g),
            b: mix(self.b, other.b),
        }
    }

    /// Relative luminance (WCAG 2.2).
    fn luminance(self) -> f64 {
        let linear = |channel: f64| {
            let c = channel / 255.0;
            if c <= 0.04045 {
                c / 12.92
            } else {
                ((c + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126f64.mul_add(
            linear(self.r),
            0.7152f64.mul_add(linear(self.g), 0.0722 * linear(self.b)),
        )
    }

    fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    fn until_legible_on(self, grounds: &[Self], towards: Self) -> Self {
        (0..=50)
            .map(|step| self.mixed(towards, f64::from(step) / 50.0))
            .find(|c| grounds.iter().all(|g| c.contrast(*g) >= CONTRAST))
            .unwrap_or(towards)
    }

    /// The same hue, lighter, for dark grounds: mixed with white it would turn grey.
    fn until_bright_on(self, grounds: &[Self]) -> Self {
        (0..=50)
            .map(|step| self.in_tone(f64::from(step) / 50.0))
            .find(|c| grounds.iter().all(|g| c.contrast(*g) >= BRIGHT))
            .unwrap_or(Self::WHITE)
    }

    /// The same hue, a little less saturated, at another lightness from 0 to 1 (HSL).
    fn in_tone(self, lightness: f64) -> Self {
        let high = self.r.max(self.g).max(self.b);
        let low = self.r.min(self.g).min(self.b);
        let spread = high - low;
        if spread <= 0.0 {
            return Self::BLACK.mixed(Self::WHITE, lightness);
        }
        let range = |lightness: f64| 1.0 - lightness.mul_add(2.0, -1.0).abs();
        let saturation = spread / 255.0 / range((high + low) / 510.0);
        let chroma = range(lightness) * (saturation * 0.8).min(1.0);
        let channel = |c: f64| {
            let place = (c - low) / spread - 0.5;
            (chroma.mul_add(place, lightness) * 255.0).round()
        };
        Self {
            r: channel(self.r),
            g: channel(self.g),
            b: channel(self.b),
        }
    }

    /// The dark ink to write on it.
    fn until_legible_ink(self) -> Self {
        self.mixed(Self::BLACK, 0.7)
            .until_legible_on(&[self], Self::BLACK)
    }
}

impl std::fmt::Display for Color {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "channels are whole numbers from 0 to 255"
    )]
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "#{:02x}{:02x}{:02x}",
            self.r as u8, self.g as u8, self.b as u8
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brand(accent: &str) -> Brand {
        Brand {
            name: "Northgate".into(),
            logo: None,
            accent: Some(accent.into()),
            support: Support::default(),
            languages: vec![Language::English],
            apps: Vec::new(),
        }
    }

    #[test]
    fn the_dark_scheme_keeps_the_hue() {
        let css = brand("#18594f").css().unwrap();
        assert!(css.contains("dark){:root{--brand:#72cbbd;"), "{css}");
    }

    #[test]
    fn every_accent_is_legible() {
        for accent in [
            "#ffff00", "#000000", "#ffffff", "#18594f", "#ff0000", "#0000ff", "#7f7f7f", "#e85d04",
        ] {
            let css = brand(accent).css().unwrap();
            let value = |scheme: usize, name: &str| {
                let part = css.lines().nth(scheme).unwrap();
                let at = part.find(&format!("{name}:")).unwrap() + name.len() + 1;
                let text: String = part[at..]
                    .chars()
                    .take_while(|c| !";}".contains(*c))
                    .collect();
                if text == "#fff" {
                    Color::WHITE
                } else {
                    Color::parse(&text).unwrap()
                }
            };
            let (light, dark) = (value(0, "--brand"), value(1, "--brand"));
            let check = |a: Color, b: Color, what: &str| {
                assert!(a.contrast(b) >= 4.5, "{accent} {what}: {css}")
            };
            for ground in LIGHT_GROUNDS {
                check(light, ground, "light");
            }
            check(light, value(0, "--on-brand"), "under its text");
            check(value(0, "--panel"), ON_PANEL, "panel");
            check(value(0, "--panel"), ON_PANEL_2, "panel, soft");
            for ground in DARK_GROUNDS {
                check(dark, ground, "dark");
            }
            check(dark, value(1, "--on-brand"), "dark under its text");
        }
        for bad in ["", "red", "#fff", "#12345g", "18594f"] {
            assert!(brand(bad).css().is_err(), "{bad}");
        }
    }
}
