//! `devices`: what this program can compute on.

use anyhow::Result;
use chextransfer_models::DeviceChoice;
use serde_json::json;

use super::result_line;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let (found, lacking) = (DeviceChoice::found(), DeviceChoice::not_built());
    if arguments.json {
        let devices = found.iter().map(|device| {
            json!({
                "device": device.choice.to_string(),
                "name": device.name,
                "software_renderer": device.software,
            })
        });
        let devices: Vec<_> = devices.collect();
        let all =
            json!({ "devices": devices, "built": DeviceChoice::built(), "not_built": lacking });
        result_line!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(());
    }
    for device in &found {
        let software = match device.software {
            true => ", a renderer in software: used only where it is named with its number",
            false => "",
        };
        result_line!(
            "{:<10} {}{software}",
            device.choice.to_string(),
            device.name
        );
    }
    // The processor, `flex`, is there in any case.
    for feature in DeviceChoice::built()
        .into_iter()
        .filter(|feature| *feature != "flex")
    {
        let mut names = found.iter().map(|device| device.choice.to_string());
        if !names.any(|name| name.starts_with(feature)) {
            result_line!("{feature:<10} none found");
        }
    }
    if !lacking.is_empty() {
        result_line!(
            "not in this build, by cargo feature: {}",
            lacking.join(", ")
        );
    }
    Ok(())
}
