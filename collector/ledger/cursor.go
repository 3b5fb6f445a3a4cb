package ledger

import "encoding/binary"

// cursor reads values from bytes. When there are too few left, short is set, and
// this value and all that follow are zero.
type cursor struct {
	rest  []byte
	short bool
}

func (c *cursor) bytes(n int) []byte {
	if c.short || n < 0 || n > len(c.rest) {
		c.short, c.rest = true, nil
		return nil
	}
	b := c.rest[:n]
	c.rest = c.rest[n:]
	return b
}

func (c *cursor) byte() byte {
	if b := c.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) uint32() uint32 {
	if b := c.bytes(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) uint64() uint64 {
	if b := c.bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (c *cursor) int64() int64 { return int64(c.uint64()) }

// uint reads an integer of 4 or 8 bytes.
func (c *cursor) uint(size int) uint64 {
	if size == 4 {
		return uint64(c.uint32())
	}
	return c.uint64()
}

func (c *cursor) uvarint() uint64 {
	n, size := binary.Uvarint(c.rest)
	if size <= 0 {
		c.short, c.rest = true, nil
		return 0
	}
	c.rest = c.rest[size:]
	return n
}

func (c *cursor) string() string {
	n := c.uvarint()
	if n > uint64(len(c.rest)) {
		c.short, c.rest = true, nil
		return ""
	}
	return string(c.bytes(int(n)))
}
