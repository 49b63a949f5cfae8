//! Folding of user names, with the Unicode tables that the platform carries anyway.

use js_sys::JsString;

/// NFKC and case folding: what differs in case or compatibility alone becomes equal.
///
/// JavaScript has no case folding. Lower case, then upper and lower case again, makes the same classes: `ẞ`, `ß` and
/// `SS` meet, and so do the sigmas. The dotless `ı` alone is kept out of it, for its capital is the `I` of `i`, and
/// Unicode folds the two apart.
pub fn fold(text: &str) -> String {
    const DOTLESS_I: &str = "\u{131}";
    let lower: String = JsString::from(text).normalize("NFKC").to_lower_case().into();
    let parts = lower.split(DOTLESS_I).map(|part| String::from(JsString::from(part).to_upper_case().to_lower_case()));
    JsString::from(parts.collect::<Vec<_>>().join(DOTLESS_I)).normalize("NFKC").into()
}
