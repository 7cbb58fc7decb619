//! The YAML floor: `cargo bench --bench yaml`.

#[path = "support/texts.rs"]
mod support;

use csctl_matrix::yaml::{File, Path, Shape};
use divan::{Bencher, black_box};

fn main() {
    divan::main();
}

#[divan::bench]
fn parse_small_file(bencher: Bencher<'_, '_>) {
    let text = support::csctl(1, 7);
    bencher.bench(|| File::parse(black_box(&text)).expect("it parses"));
}

#[divan::bench(args = [40, 400])]
fn parse_image_list(bencher: Bencher<'_, '_>, entries: u32) {
    let text = support::image_list(entries);
    bencher.bench(|| File::parse(black_box(&text)).expect("it parses"));
}

/// The edit that a new patch is, with its proof by two parsers.
#[divan::bench(args = [40, 400])]
fn insert_one_entry(bencher: Bencher<'_, '_>, entries: u32) {
    let file = File::parse(&support::image_list(entries)).expect("it parses");
    let list = Path::root().key("images").index(0).key("versions");
    let image = support::image(entries);
    let shape = Shape::like(0)
        .set("version", image.version.to_string())
        .set("url", image.url);
    bencher.bench(|| {
        let mut editor = file.edit();
        editor
            .append_item(0, &list, black_box(&shape))
            .expect("it can be added");
        editor.finish().expect("it is proved")
    });
}
