//! Files like those of the US National Do Not Call Registry, of any size, from a seed.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// The file with about `count` numbers in `dir`, made when it is not there, and in the page cache: the disk is not what
/// is measured.
pub(crate) fn made(dir: &Path, count: u64) -> io::Result<PathBuf> {
    fs::create_dir_all(dir)?;
    let path = dir.join(format!("registry-{count}.txt"));
    if !path.exists() {
        let unfinished = path.with_extension("new");
        let mut out = BufWriter::with_capacity(1 << 20, File::create(&unfinished)?);
        let count = write(count, SEED, &mut out)?;
        out.flush()?;
        fs::rename(&unfinished, &path)?;
        println!("made {} with {count} numbers", path.display());
    }
    let mut input = File::open(&path)?;
    let mut buffer = vec![0; 1 << 20];
    while input.read(&mut buffer)? > 0 {}
    Ok(path)
}

/// Writes about `count` numbers as lines `NPA,NXXXXXX`, sorted; how many they are.
///
/// 350 area codes; in each, exchanges that are not in use, exchanges of a few businesses, and exchanges where half of
/// all people have asked not to be called.
fn write(count: u64, seed: u64, out: &mut impl Write) -> io::Result<u64> {
    let mut random = StdRng::seed_from_u64(seed);
    let exchanges: Vec<(u32, u32, f64)> = area_codes(&mut random)
        .into_iter()
        .flat_map(|area| {
            let size = random.random_range(0.4..1.6);
            let weights: Vec<_> = (200..1000)
                // 211, 311 and so on are services.
                .filter(|exchange| exchange % 100 != 11)
                .map(|exchange| (area, exchange, size * weight(&mut random)))
                .collect();
            weights
        })
        .collect();
    let total: f64 = exchanges.iter().map(|(.., weight)| weight).sum();
    let per_weight = count as f64 / (total * f64::from(LINES));
    let mut written = 0;
    let mut line = *b"212,5550142\n";
    for (area, exchange, weight) in exchanges {
        let density = (weight * per_weight).min(0.95);
        if density <= 0.0 {
            continue;
        }
        digits(area, &mut line[0..3]);
        digits(exchange, &mut line[4..7]);
        // The distance to the next number in use.
        let gap = 1.0 / (1.0 - density).ln();
        let mut at = 0.0;
        loop {
            let uniform: f64 = random.random_range(f64::MIN_POSITIVE..1.0);
            at += (uniform.ln() * gap).floor();
            if at >= f64::from(LINES) {
                break;
            }
            digits(at as u32, &mut line[7..11]);
            out.write_all(&line)?;
            written += 1;
            at += 1.0;
        }
    }
    Ok(written)
}

/// Codes that are in use: no N11, and no 9 in the middle.
fn area_codes(random: &mut StdRng) -> Vec<u32> {
    let mut codes: Vec<u32> = (201..990).filter(|code| code % 100 != 11 && code / 10 % 10 != 9).collect();
    while codes.len() > AREA_CODES {
        codes.remove(random.random_range(0..codes.len()));
    }
    codes
}

fn weight(random: &mut StdRng) -> f64 {
    match random.random_range(0..100) {
        0..12 => 0.0,
        12..40 => random.random_range(0.02..0.3),
        40..85 => random.random_range(0.3..1.5),
        _ => random.random_range(1.5..4.0),
    }
}

fn digits(mut value: u32, out: &mut [u8]) {
    for digit in out.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// The same file in every run.
pub(crate) const SEED: u64 = 258_500_000;
const AREA_CODES: usize = 350;
/// Numbers of an exchange.
const LINES: u32 = 10_000;
