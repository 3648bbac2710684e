//! Writes pictures of the simulated surface: a sub-folder for each class, one PNG a picture.
//!
//! `cargo run --release -p dinrail-sim --example surface -- FOLDER COUNT [SEED]`
//!
//! COUNT is that of each class; another SEED gives other pictures. Each picture's text `contrast` says how high its defect is
//! over the deviation of its texture.

use dinrail_sim::surface::{Class, SIDE, contrast, picture};
use std::error::Error;
use std::fs::File;
use std::io::BufWriter;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

fn main() -> Outcome {
    let mut arguments = std::env::args().skip(1);
    let folder =
        arguments.next().map(PathBuf::from).ok_or("name a folder, a count of each class and, if you like, a seed")?;
    let count: u64 = arguments.next().ok_or("say how many pictures of each class")?.parse()?;
    let seed = arguments.next().map_or(Ok(1), |text| text.parse())?;
    thread::scope(|scope| {
        let workers = Class::ALL.map(|class| {
            let folder = folder.join(class.name());
            scope.spawn(move || write_all(&folder, class, count, seed))
        });
        workers.into_iter().try_for_each(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}

fn write_all(folder: &Path, class: Class, count: u64, seed: u64) -> Outcome {
    std::fs::create_dir_all(folder)?;
    for number in 0..count {
        let path = folder.join(format!("{seed}-{number:05}.png"));
        write(&path, contrast(class, seed, number), &picture(class, seed, number))?;
    }
    Ok(())
}

fn write(path: &Path, contrast: f64, pixels: &[u8]) -> Outcome {
    let side = u32::try_from(SIDE)?;
    let mut encoder = png::Encoder::new(BufWriter::new(File::create(path)?), side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.add_text_chunk("contrast".into(), format!("{contrast:.3}"))?;
    Ok(encoder.write_header()?.write_image_data(pixels)?)
}
