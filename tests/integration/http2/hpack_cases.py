"""What a decoder must not accept: the part "hpack" of the list."""

from http2 import frames as h2
from http2.cases import case


def undecodable(section, number, title, behind=b"", before=b""):
    @case("hpack/" + section, number, title)
    def _(peer):
        peer.handshake()
        peer.headers(1, before + h2.block(peer.get()) + behind)
        peer.expect_connection_error(h2.COMPRESSION_ERROR)


# "x-test: test", its value in Huffman's code with something wrong.
NAME = bytes.fromhex("0085f2b24a84ff")

undecodable("2.3.3", 1, "an index beyond both tables", behind=h2.integer(70, 7, 0x80))
undecodable("2.3.3", 2, "a literal whose name's index is beyond both tables",
            behind=h2.integer(70, 6, 0x40) + b"\0")
undecodable("4.2", 1, "a change of the table's size behind the fields",
            behind=h2.integer(1, 5, 0x20))
undecodable("5.2", 1, "Huffman's code with more than 7 bits of padding",
            behind=NAME + bytes.fromhex("8449509fff"))
undecodable("5.2", 2, "Huffman's code padded with zeroes", behind=NAME + bytes.fromhex("83495090"))
undecodable("5.2", 3, "Huffman's code with EOS in it",
            behind=NAME + bytes.fromhex("874951fffffffa7f"))
undecodable("6.1", 1, "index 0", behind=b"\x80")


@case("hpack/6.3", 1, "a table larger than SETTINGS_HEADER_TABLE_SIZE")
def _(peer):
    peer.handshake()
    size = peer.server_settings.get(h2.HEADER_TABLE_SIZE, 4096) + 1
    peer.headers(1, h2.integer(size, 5, 0x20) + h2.block(peer.get()))
    peer.expect_connection_error(h2.COMPRESSION_ERROR)
