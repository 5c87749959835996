//! The tables that are printed.

use std::time::Duration;

use crate::load::Sample;
use crate::scene::Producer;

pub(crate) fn produce(callers: usize, producers: &[Producer], samples: &[Sample]) {
    println!(
        "{:<28} {:>9} {:>9} {:>9} {:>9} {:>13} {:>7} {:>7} {:>9}",
        format!("{callers} caller(s)"),
        "per s",
        "p50",
        "p99",
        "CPU",
        "records/call",
        "to (a)",
        "to (b)",
        "CPU ÷ (b)"
    );
    let smallest_cpu = samples[1].cpu_per_call().as_secs_f64();
    let (direct, smallest) = (samples[0].per_second(), samples[1].per_second());
    for (producer, sample) in producers.iter().zip(samples) {
        println!(
            "{:<28} {:>9.0} {:>9} {:>9} {:>6.0} µs {:>13.1} {:>7.2} {:>7.2} {:>9.2}",
            producer.name,
            sample.per_second(),
            milliseconds(sample.percentile(50)),
            milliseconds(sample.percentile(99)),
            sample.cpu_per_call().as_secs_f64() * 1e6,
            sample.records_per_call(),
            sample.per_second() / direct,
            sample.per_second() / smallest,
            sample.cpu_per_call().as_secs_f64() / smallest_cpu,
        );
    }
    println!();
}

/// Ways to bring the same event in; the first is a plain produce.
pub(crate) fn ingest(producers: &[Producer], smallest: &Sample, samples: &[Sample]) {
    let cpu = |sample: &Sample| sample.cpu_per_call().as_secs_f64();
    let mut before = samples.first().map_or(0.0, cpu);
    println!(
        "{:<28} {:>9} {:>9} {:>13} {:>9} {:>9}",
        "", "per s", "CPU", "records/call", "CPU ÷ (b)", "adds"
    );
    for (producer, sample) in producers.iter().zip(samples) {
        println!(
            "{:<28} {:>9.0} {:>6.0} µs {:>13.1} {:>9.2} {:>9.2}",
            producer.name,
            sample.per_second(),
            cpu(sample) * 1e6,
            sample.records_per_call(),
            cpu(sample) / cpu(smallest),
            (cpu(sample) - before) / cpu(smallest),
        );
        before = cpu(sample);
    }
}

/// Ways to do the same, each with its rates; the first is the measure.
pub(crate) fn rates(rates: &[(&str, f64)]) {
    let measure = rates.first().map_or(1.0, |(_, rate)| *rate);
    println!("{:<44} {:>12} {:>7}", "", "records/s", "ratio");
    for (name, rate) in rates {
        println!("{name:<44} {rate:>12.0} {:>7.2}", rate / measure);
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1000.0)
}
