//! Small shapes of the diagram.

use yew::prelude::*;

/// A text with a halo of the ground, so that lines below it do not disturb it.
pub(super) fn label(x: f64, y: f64, anchor: &'static str, class: Classes, text: &str) -> Html {
    html! {
        <text class={classes!("label", class)} x={px(x)} y={px(y)} text-anchor={anchor}>{ text.to_owned() }</text>
    }
}

/// A straight line.
pub(super) fn line(from: (f64, f64), to: (f64, f64), class: Classes) -> Html {
    html! {
        <line class={class} x1={px(from.0)} y1={px(from.1)} x2={px(to.0)} y2={px(to.1)} />
    }
}

/// A head of an arrow, at `to`, coming from `from`.
pub(super) fn head(from: (f64, f64), to: (f64, f64), class: Classes) -> Html {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = dx.hypot(dy).max(1.0);
    let (ux, uy) = (dx / length, dy / length);
    let back = (to.0 - ux * 8.0, to.1 - uy * 8.0);
    let points = format!(
        "{:.1},{:.1} {:.1},{:.1} {:.1},{:.1}",
        to.0,
        to.1,
        back.0 - uy * 3.5,
        back.1 + ux * 3.5,
        back.0 + uy * 3.5,
        back.1 - ux * 3.5
    );
    html! { <polygon class={class} points={points} /> }
}

/// A cross.
pub(super) fn cross(x: f64, y: f64, class: Classes) -> Html {
    let d = format!("M{:.1} {:.1}l8 8m0 -8l-8 8", x - 4.0, y - 4.0);
    html! { <path class={classes!("cross", class)} d={d} /> }
}

/// A circle.
pub(super) fn circle(x: f64, y: f64, r: f64, class: Classes) -> Html {
    html! { <circle class={class} cx={px(x)} cy={px(y)} r={px(r)} /> }
}

/// A pill with a word in it, around a middle.
pub(super) fn pill(x: f64, y: f64, text: &str, class: Classes) -> Html {
    let width = (text.chars().count() as f64).mul_add(6.4, 16.0);
    html! {
        <g class={classes!("pill", class)}>
            <rect x={px(x - width / 2.0)} y={px(y - 10.0)} width={px(width)} height="20" rx="10" />
            <text x={px(x)} y={px(y + 4.0)} text-anchor="middle">{ text.to_owned() }</text>
        </g>
    }
}

/// Text cut to a number of characters.
pub(super) fn cut(text: &str, room: f64) -> String {
    let most = (room / 5.8).max(6.0) as usize;
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut kept: String = text.chars().take(most - 1).collect();
    kept.truncate(kept.trim_end().len());
    kept.push('\u{2026}');
    kept
}

/// A length as an attribute.
pub(super) fn px(value: f64) -> AttrValue {
    AttrValue::from(format!("{value:.1}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_labels_are_cut_at_a_character() {
        assert_eq!(cut("short", 500.0), "short");
        assert_eq!(cut("a \u{b7} b \u{b7} c \u{b7} d", 50.0), "a \u{b7} b \u{b7}\u{2026}");
    }
}
