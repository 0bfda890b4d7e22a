//! Style, script, icon and logo: in the binary, named by their content.

use super::brand::{BadAccent, Brand};
use bytes::Bytes;
use sha2::{Digest as _, Sha256};

struct Asset {
    name: &'static str,
    /// `style.0123abcd.css`
    file: String,
    kind: &'static str,
    bytes: Bytes,
}

pub struct Assets(Vec<Asset>);

impl Assets {
    pub fn new(brand: &Brand) -> Result<Self, BadAccent> {
        let css = "text/css; charset=utf-8";
        let svg = "image/svg+xml";
        let logo = brand
            .logo
            .clone()
            .map(|logo| asset("logo", logo.kind, logo.bytes));
        let fixed = [
            asset(
                "style.css",
                css,
                include_bytes!("../../assets/style.css").to_vec(),
            ),
            asset(
                "desk.css",
                css,
                include_bytes!("../../assets/desk.css").to_vec(),
            ),
            asset(
                "account.css",
                css,
                include_bytes!("../../assets/account.css").to_vec(),
            ),
            asset("brand.css", css, brand.css()?.into_bytes()),
            asset(
                "app.js",
                "text/javascript; charset=utf-8",
                include_bytes!("../../assets/app.js").to_vec(),
            ),
            asset(
                "icon.svg",
                svg,
                include_bytes!("../../assets/icon.svg").to_vec(),
            ),
        ];
        Ok(Self(fixed.into_iter().chain(logo).collect()))
    }

    /// The file name that a page links to.
    pub fn file(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|asset| asset.name == name)
            .map_or("", |asset| asset.file.as_str())
    }

    /// Content type and bytes of a file name.
    pub fn find(&self, file: &str) -> Option<(&'static str, &Bytes)> {
        self.0
            .iter()
            .find(|asset| asset.file == file)
            .map(|asset| (asset.kind, &asset.bytes))
    }
}

impl std::fmt::Debug for Assets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Assets")
    }
}

fn asset(name: &'static str, kind: &'static str, content: Vec<u8>) -> Asset {
    let digest = Sha256::digest(&content);
    let mark: String = digest.iter().take(4).map(|b| format!("{b:02x}")).collect();
    let (stem, ending) = name.split_once('.').unwrap_or((name, ""));
    Asset {
        name,
        file: match ending {
            "" => format!("{stem}.{mark}"),
            ending => format!("{stem}.{mark}.{ending}"),
        },
        kind,
        bytes: Bytes::from(content),
    }
}
