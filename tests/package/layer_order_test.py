"""The order of the floors holds in this tree, and the script that says so would notice if not."""

import os
import tempfile
import unittest
from pathlib import Path

import layer_order

SOURCE = Path(os.environ.get("BATON_SOURCE", Path(__file__).resolve().parents[2]))


class LayerOrder(unittest.TestCase):
    def violations_of(self, **files):
        """Of a made-up tree: path with __ for /, content."""
        with tempfile.TemporaryDirectory() as folder:
            for name, content in files.items():
                path = Path(folder, name.replace("__", "/") + ".hpp")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content, encoding="utf-8")
            return layer_order.violations(Path(folder))[0]

    def test_dependencies_of_this_tree_run_downwards(self):
        found, files = layer_order.violations(SOURCE)
        self.assertGreater(files, 20)
        self.assertEqual([], found)

    def test_an_include_that_goes_up_is_found(self):
        found = self.violations_of(src__net__a='\n#include "baton/server/server.hpp"\n')
        self.assertEqual(1, len(found))
        self.assertIn("src/net/a.hpp:2", found[0])
        self.assertIn("net (floor 2) is below server (floor 3)", found[0])

    def test_neighbours_do_not_include_each_other(self):
        for floor, other in (("net", "lineage"), ("lineage", "net"), ("http", "quic")):
            found = self.violations_of(**{f"src__{floor}__a": f"#include <baton/{other}/b.hpp>\n"})
            self.assertIn("neighbours", found[0])

    def test_a_public_header_does_not_include_a_private_one(self):
        found = self.violations_of(include__baton__net__a='#include "net/b.hpp"\n')
        self.assertIn("not installed", found[0])

    def test_a_folder_without_a_floor_is_found(self):
        found = self.violations_of(src__cellar__a='#include "baton/base/error.hpp"\n')
        self.assertIn("'cellar' is no floor", found[0])

    def test_what_goes_down_or_stays_is_allowed(self):
        self.assertEqual([], self.violations_of(
            src__http__engine__a='#include "b.hpp"\n#include "http/c.hpp"\n'
                                 '#include "baton/net/address.hpp"\n#include <vector>\n',
            src__http__engine__b="", src__http__c=""))


if __name__ == "__main__":
    unittest.main()
