//! The playground as a program for the browser.

fn main() {
    let page = playground::platform::document().and_then(|document| document.get_element_by_id("page"));
    if let Some(page) = page {
        page.set_inner_html("");
        yew::Renderer::<playground::components::App>::with_root(page).render();
    }
}
