package capture

import (
	"encoding/binary"
	"encoding/hex"
)

// Link types of captures that are understood; a frame of any other is skipped.
const (
	linkNull     = 0
	linkEthernet = 1
	linkRaw      = 101
	linkLoop     = 108
	linkSLL      = 113
	linkIPv4     = 228
	linkIPv6     = 229
	linkSLL2     = 276
)

const (
	protocolUDP    = 17
	mostFlows      = 1024 // destinations told apart as lines
	mostFragmented = 64   // packets being put together; the oldest gives way
	maxDatagram    = 64 << 10
)

// network finds the UDP payload in captured frames. Check sums are not judged: captures taken on the sending host
// have none that would hold.
type network struct {
	flows   map[string]int // destination address and port → line
	key     []byte
	partial []*fragmented
	done    []byte
}

// fragmented is one IP packet that comes in parts.
type fragmented struct {
	key   string
	parts []fragment
	total int // bytes, once the last part has come
	bytes int
}

type fragment struct {
	offset int
	data   []byte
}

// udp returns the payload of the datagram in frame, valid until the next call, and the number of its destination in
// order of first sight. It returns false for everything that is not UDP, or not all there yet.
func (n *network) udp(link uint32, frame []byte) (payload []byte, line int, ok bool) {
	packet, ok := ipPacket(link, frame)
	if !ok || len(packet) == 0 {
		return nil, 0, false
	}
	switch packet[0] >> 4 {
	case 4:
		return n.ipv4(packet)
	case 6:
		return n.ipv6(packet)
	default:
		return nil, 0, false
	}
}

// ipPacket takes the link layer off.
func ipPacket(link uint32, b []byte) ([]byte, bool) {
	skip := 0
	switch link {
	case linkEthernet:
		return ethernet(b)
	case linkRaw, linkIPv4, linkIPv6:
	case linkNull, linkLoop:
		skip = 4
	case linkSLL:
		skip = 16
	case linkSLL2:
		skip = 20
	default:
		return nil, false
	}
	if len(b) < skip {
		return nil, false
	}
	return b[skip:], true
}

// ethernet takes the header and any VLAN tags off.
func ethernet(b []byte) ([]byte, bool) {
	const addresses = 12
	if len(b) < addresses {
		return nil, false
	}
	b = b[addresses:]
	for len(b) >= 2 {
		switch binary.BigEndian.Uint16(b) {
		case 0x8100, 0x88a8, 0x9100:
			if len(b) < 4 {
				return nil, false
			}
			b = b[4:]
		case 0x0800, 0x86dd:
			return b[2:], true
		default:
			return nil, false
		}
	}
	return nil, false
}

func (n *network) ipv4(b []byte) ([]byte, int, bool) {
	if len(b) < 20 {
		return nil, 0, false
	}
	header, total := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
	if header < 20 || total < header || len(b) < header {
		return nil, 0, false
	}
	b = b[:min(total, len(b))] // what follows is padding of the frame
	protocol, dst := b[9], b[16:20]
	flags := binary.BigEndian.Uint16(b[6:])
	more, offset := flags&0x2000 != 0, int(flags&0x1fff)*8
	body := b[header:]
	if more || offset > 0 {
		key := append(append(n.key[:0], b[4:6]...), b[9:10]...)
		key = append(key, b[12:20]...)
		n.key = key
		if body = n.join(key, offset, more, body); body == nil {
			return nil, 0, false
		}
	}
	return n.datagram(protocol, dst, body)
}

func (n *network) ipv6(b []byte) ([]byte, int, bool) {
	const header = 40
	if len(b) < header {
		return nil, 0, false
	}
	src, dst := b[8:24], b[24:40]
	next := b[6]
	body := b[header:min(len(b), header+int(binary.BigEndian.Uint16(b[4:])))]
	for {
		switch next {
		case 0, 43, 60: // hop-by-hop, routing, destination options
			if len(body) < 8 || len(body) < 8+int(body[1])*8 {
				return nil, 0, false
			}
			next, body = body[0], body[8+int(body[1])*8:]
		case 44: // fragment
			if len(body) < 8 {
				return nil, 0, false
			}
			at := binary.BigEndian.Uint16(body[2:])
			key := append(append(n.key[:0], body[4:8]...), src...)
			key = append(key, dst...)
			n.key = key
			next, body = body[0], n.join(key, int(at&^7), at&1 != 0, body[8:])
			if body == nil {
				return nil, 0, false
			}
		default:
			return n.datagram(next, dst, body)
		}
	}
}

// datagram takes the UDP header off. A datagram cut short by the capture is returned as far as it goes: its own
// lengths will show it.
func (n *network) datagram(protocol byte, dst, b []byte) ([]byte, int, bool) {
	const header = 8
	if protocol != protocolUDP || len(b) < header {
		return nil, 0, false
	}
	size := int(binary.BigEndian.Uint16(b[4:]))
	port := b[2:4]
	payload := b[header:]
	if size >= header {
		payload = payload[:min(len(payload), size-header)]
	}
	return payload, n.line(dst, port), true
}

func (n *network) line(dst, port []byte) int {
	n.key = append(append(n.key[:0], dst...), port...)
	if i, ok := n.flows[string(n.key)]; ok {
		return i
	}
	if n.flows == nil {
		n.flows = map[string]int{}
	}
	if len(n.flows) >= mostFlows {
		return mostFlows
	}
	n.flows[string(n.key)] = len(n.flows)
	return len(n.flows) - 1
}

// join keeps one part of an IP packet, and returns the packet when all of it is there.
func (n *network) join(key []byte, offset int, more bool, data []byte) []byte {
	if offset+len(data) > maxDatagram || more && len(data)%8 != 0 {
		return nil
	}
	f := n.fragmented(hex.EncodeToString(key))
	for _, p := range f.parts {
		if p.offset == offset {
			return nil // a second copy
		}
	}
	if f.bytes+len(data) > maxDatagram {
		return nil
	}
	f.parts = append(f.parts, fragment{offset, append([]byte(nil), data...)})
	f.bytes += len(data)
	if !more {
		f.total = offset + len(data)
	}
	if f.total == 0 || f.bytes != f.total {
		return nil
	}
	return n.whole(f)
}

func (n *network) fragmented(key string) *fragmented {
	for _, f := range n.partial {
		if f.key == key {
			return f
		}
	}
	if len(n.partial) >= mostFragmented {
		n.partial = append(n.partial[:0], n.partial[1:]...)
	}
	f := &fragmented{key: key}
	n.partial = append(n.partial, f)
	return f
}

// whole puts the parts of f together, unless they overlap.
func (n *network) whole(f *fragmented) []byte {
	for i, p := range n.partial {
		if p == f {
			n.partial = append(n.partial[:i], n.partial[i+1:]...)
			break
		}
	}
	n.done = append(n.done[:0], make([]byte, f.total)...)
	covered := 0
	for covered < f.total {
		from := covered
		for _, p := range f.parts {
			if p.offset == covered {
				covered += copy(n.done[covered:], p.data)
				break
			}
		}
		if covered == from {
			return nil
		}
	}
	return n.done
}
