package ledger

// The state file: a header, and frames.
//
//	file   = magic(8) version(4) hashKey(16) crc(4) frame...
//	frame  = size(4) position(4) crc(4) payload crc(4)
//
// The numbers are little-endian, the checksums CRC-32C. A payload is a message of
// Protocol Buffers, Record in state.proto.
//
// The first frame is the snapshot. It was synced before the file got its name, so it
// must be whole. The frames behind it are the log, one a commit. They hold values,
// never differences, so that nothing is ever counted again. A frame is written when
// the one before it is known to be on the disk. Only the last, therefore, may be
// torn: what it counts was never shown, and it is cut off. When the power fails, any
// of its pages may have reached the disk, the later ones without the first, too.
// Where a frame follows a broken one, the broken one was whole once: the file is
// damaged. For that the first checksum of a frame covers its size and its position
// among the frames, by which frames are told from other bytes.
//
// A file of a higher version is left alone, and so is one of this version that holds
// what this program does not know (see wire.go): what cannot be read cannot be
// written back. A file of version 1 is read (v1.go).

import (
	"encoding/binary"
	"hash/crc32"
)

const (
	magic      = "gapiledg"
	version    = 2
	headerSize = len(magic) + 4 + 16 + 4

	frameHead  = 12 // Size, position and checksum.
	frameExtra = frameHead + 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

func appendHeader(b []byte, key hashKey) []byte {
	start := len(b)
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint32(b, version)
	b = binary.LittleEndian.AppendUint64(b, key.k0)
	b = binary.LittleEndian.AppendUint64(b, key.k1)
	return binary.LittleEndian.AppendUint32(b, checksum(b[start:]))
}

// headerKey returns the key in a header.
func headerKey(header []byte) hashKey {
	c := cursor{rest: header[len(magic)+4:]}
	return hashKey{c.uint64(), c.uint64()}
}

// appendFrame appends the frame that has this position in its file.
func appendFrame(b []byte, position uint32, payload []byte) []byte {
	start := len(b)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(payload)))
	b = binary.LittleEndian.AppendUint32(b, position)
	b = binary.LittleEndian.AppendUint32(b, checksum(b[start:]))
	b = append(b, payload...)
	return binary.LittleEndian.AppendUint32(b, checksum(payload))
}

// frameAt returns the size of the payload and the position that a frame at the
// beginning of data says it has.
func frameAt(data []byte) (size, position uint32, ok bool) {
	if len(data) < frameHead || checksum(data[:8]) != binary.LittleEndian.Uint32(data[8:]) {
		return 0, 0, false
	}
	return binary.LittleEndian.Uint32(data), binary.LittleEndian.Uint32(data[4:]), true
}

// readFrame returns the payload of the frame at the beginning of data, which ought
// to have this position, and how many bytes the frame takes. Without a payload, torn
// tells whether this may be a last frame that was never whole.
func readFrame(data []byte, position uint32) (payload []byte, size int, torn bool) {
	n, at, ok := frameAt(data)
	if !ok {
		return nil, 0, !frameFollows(data, position)
	}
	if at != position {
		return nil, 0, false
	}
	c := cursor{rest: data[frameHead:]}
	payload = c.bytes(int(n))
	sum := c.uint32()
	if c.short {
		return nil, 0, true
	}
	if checksum(payload) != sum {
		return nil, 0, len(c.rest) == 0 // What comes behind it was written when it was whole.
	}
	return payload, frameExtra + len(payload), false
}

// frameFollows reports whether a frame of a later position begins anywhere in data.
func frameFollows(data []byte, position uint32) bool {
	for len(data) >= frameHead {
		// No file has room for positions much higher: this saves most checksums.
		if at := binary.LittleEndian.Uint32(data[4:]); at > position && at-position <= maxFile/frameExtra {
			if _, _, ok := frameAt(data); ok {
				return true
			}
		}
		data = data[1:]
	}
	return false
}
