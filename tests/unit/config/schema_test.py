"""The JSON schema beside the parser: schema_test.py PROBE SCHEMA FOLDER...

Whatever the schema refuses the parser must refuse; and of what the parser refuses, the schema must
refuse everything that is not in BEYOND: what no schema can tell, or what is no YAML at all.
"""

import glob
import json
import os
import subprocess
import sys

import jsonschema

# By the beginning of the files' names: several keys together, what a text means, duplicates.
BEYOND = ("admin_clash", "admin_open", "buckets_order", "buckets_range_of_text", "control_character", "duplicate_listener_name", "duplicate_protocol",
          "duration_minus", "duration_range", "duration_steps", "h2_frame_size", "limits_crossed", "listener_clash",
          "listener_host_name", "listener_port_range", "listener_unix_keys", "listeners_none", "network_bad",
          "protocol_needs_tls", "protocol_in_clear", "protocols_ports", "protocols_unix", "secret_file",
          "secret_short", "size_overflow", "thresholds_crossed", "times_crossed", "tls_automatic", "tls_block_unknown",
          "tls_mutual", "tls_no_certificate", "tls_policy_clear")


def main():
    probe, schema_file, *folders = sys.argv[1:]
    with open(schema_file, encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    files = sorted(file for folder in folders for file in glob.glob(os.path.join(folder, "*.yaml")))
    done = subprocess.run([probe, *files], capture_output=True, text=True, check=True)
    failures, refused_by_both, accepted = [], 0, 0
    for line in done.stdout.splitlines():
        found = json.loads(line)
        name = os.path.basename(found["file"])
        if not found["readable"]:
            if found["accepted"]:
                failures.append(f"{name}: cannot be read, and is accepted")
            continue
        errors = [error.message for error in validator.iter_errors(found["document"])]
        accepted += found["accepted"]
        refused_by_both += bool(errors) and not found["accepted"]
        if errors and found["accepted"]:
            failures.append(f"{name}: the parser accepts what the schema refuses: {errors[0]}")
        if not errors and not found["accepted"] and not name.startswith(BEYOND):
            failures.append(f"{name}: the schema accepts what the parser refuses")
    print(*failures, sep="\n")
    print(f"{len(files)} files, {accepted} accepted, {refused_by_both} refused by both, {len(failures)} failures")
    return 1 if failures or accepted < 3 or refused_by_both < 40 else 0


if __name__ == "__main__":
    sys.exit(main())
