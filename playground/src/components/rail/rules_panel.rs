//! The rules and their verdicts at the cursor.

use crate::run::{Rule, verdict_word};
use simulator::event::Verdict;
use yew::prelude::*;

/// What to show.
#[derive(Properties, PartialEq)]
pub struct RulesPanelProps {
    /// The rules.
    pub rules: Vec<Rule>,
    /// Called with the event that broke a rule.
    pub on_jump: Callback<u32>,
}

/// The sign of a verdict.
pub(crate) const fn sign(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Holds => ("\u{2713}", "tone-good"),
        Verdict::Broken { .. } => ("\u{2715}", "tone-bad"),
        Verdict::NotExercised => ("\u{2013}", "tone-plain"),
        Verdict::CannotJudge => ("?", "tone-unknown"),
    }
}

/// All rules, those of the lesson first.
#[component]
pub fn RulesPanel(props: &RulesPanelProps) -> Html {
    let (watched, others): (Vec<&Rule>, Vec<&Rule>) = props.rules.iter().partition(|rule| rule.is_watched);
    let list = |rules: &[&Rule]| -> Html { rules.iter().map(|rule| row(rule, &props.on_jump)).collect() };
    html! {
        <div class="panel-body" data-testid="rules-panel">
            if !watched.is_empty() {
                <h2>{ "This lesson is about" }</h2>
                <ul class="rules">{ list(&watched) }</ul>
                <h2>{ "Checked all the same" }</h2>
            }
            <ul class="rules">{ list(&others) }</ul>
            <p class="small quiet">{ "A rule that nothing has put to the test is \u{201c}not exercised\u{201d}, never \u{201c}holds\u{201d}." }</p>
        </div>
    }
}

fn row(rule: &Rule, on_jump: &Callback<u32>) -> Html {
    let (sign, class) = sign(rule.verdict);
    let word = verdict_word(rule.verdict);
    html! {
        <li class="rule" key={rule.id} data-rule={rule.id} data-verdict={word}>
            <span class={classes!("rule-sign", class)} aria-hidden="true">{ sign }</span>
            <span class="rule-id mono">{ rule.id }</span>
            <span class="rule-words">
                { rule.sentence }
                <span class={classes!("rule-verdict", class)}>
                    { word }
                    { match rule.verdict {
                        Verdict::Broken { at } => {
                            let onclick = on_jump.reform(move |_: MouseEvent| at);
                            html! { <button type="button" class="link-button" onclick={onclick}>{ format!("at event {}", at + 1) }</button> }
                        }
                        Verdict::Holds | Verdict::NotExercised | Verdict::CannotJudge => Html::default(),
                    } }
                </span>
            </span>
        </li>
    }
}
