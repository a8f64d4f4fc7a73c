//! The log as Kafka's own console consumer finds it: a reader that shares nothing with ours.

use super::brokers::Brokers;
use super::journal::number_of;
use super::verdict::Log;
use std::process::{Command, Stdio};

/// Reads a whole topic, from the first record to the last that is there now.
///
/// # Errors
/// What Kafka's tools said, or a line of theirs that cannot be read.
pub fn read_all(brokers: &Brokers, topic: &str, partitions: i32) -> Result<Log, String> {
    let ends = tool(brokers, "org.apache.kafka.tools.GetOffsetShell", &["--topic", topic])?;
    let mut log = Log::new();
    let mut count = 0_u64;
    for line in ends.lines() {
        let mut words = line.rsplit(':');
        let (end, partition) = (words.next(), words.next());
        let end: Option<u64> = end.and_then(|end| end.parse().ok());
        let partition = partition.and_then(|partition| partition.parse().ok());
        let (Some(end), Some(partition)) = (end, partition) else {
            return Err(format!("GetOffsetShell: {line}"));
        };
        log.insert(partition, Vec::new());
        count += end;
    }
    // It says nothing of a partition whose leader does not answer.
    if !(0..partitions).eq(log.keys().copied()) {
        return Err(format!("GetOffsetShell: expected {partitions} partitions, found {ends}"));
    }
    if count == 0 {
        return Ok(log);
    }
    let count = count.to_string();
    let mut args =
        vec!["--topic", topic, "--from-beginning", "--max-messages", &count, "--timeout-ms", "60000"];
    for shown in ["print.partition=true", "print.offset=true", "print.value=true"] {
        args.extend(["--formatter-property", shown]);
    }
    for line in tool(brokers, "org.apache.kafka.tools.consumer.ConsoleConsumer", &args)?.lines() {
        let (partition, offset, number) =
            parse(line).ok_or_else(|| format!("console consumer: {line:.200}"))?;
        log.entry(partition).or_default().push((offset, number));
    }
    Ok(log)
}

/// `Partition:0\tOffset:17\tvalue`
fn parse(line: &str) -> Option<(i32, i64, Option<u64>)> {
    let mut words = line.splitn(3, '\t');
    let partition = words.next()?.strip_prefix("Partition:")?.parse().ok()?;
    let offset = words.next()?.strip_prefix("Offset:")?.parse().ok()?;
    Some((partition, offset, number_of(words.next()?)))
}

fn tool(brokers: &Brokers, class: &str, args: &[&str]) -> Result<String, String> {
    let jars = format!("{}/*", brokers.fact("jars")?);
    let mut command = Command::new("java");
    command
        .args(["-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", &jars, class])
        .args(["--bootstrap-server", brokers.address(1)?])
        .args(args)
        .stdin(Stdio::null());
    let output = command.output().map_err(|error| format!("cannot run java: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("{class}: {}", String::from_utf8_lossy(&output.stderr)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_console_consumer() {
        assert_eq!(parse("Partition:2\tOffset:17\t0:"), Some((2, 17, Some(0))));
        assert_eq!(parse("Partition:2\tOffset:17\tsomething\telse"), Some((2, 17, None)));
        assert_eq!(parse("Partition:2"), None);
    }
}
