//! Writes pictures of the simulated surface: a sub-folder for each class, one PNG a picture.
//!
//! `cargo run --release -p dinrail-sim --example surface -- FOLDER COUNT [SEED]`
//!
//! COUNT is that of each class; another SEED gives other pictures.

use dinrail_sim::surface::{Class, SIDE, picture};
use std::error::Error;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder =
        arguments.next().map(PathBuf::from).ok_or("name a folder, a count of each class and, if you like, a seed")?;
    let count: u64 = arguments.next().ok_or("say how many pictures of each class")?.parse()?;
    let seed = arguments.next().map_or(Ok(1), |text| text.parse())?;
    for class in Class::ALL {
        let folder = folder.join(class.name());
        std::fs::create_dir_all(&folder)?;
        for number in 0..count {
            write(&folder.join(format!("{seed}-{number:05}.png")), &picture(class, seed, number))?;
        }
    }
    Ok(())
}

fn write(path: &Path, pixels: &[u8]) -> Result<(), Box<dyn Error>> {
    let side = u32::try_from(SIDE)?;
    let mut encoder = png::Encoder::new(BufWriter::new(File::create(path)?), side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    Ok(encoder.write_header()?.write_image_data(pixels)?)
}
