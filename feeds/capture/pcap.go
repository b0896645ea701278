package capture

import (
	"bufio"
	"errors"
	"io"

	"github.com/gopacket/gopacket/pcapgo"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
)

const maxFrame = 256 << 10 // bytes of one captured frame; tcpdump's own bound

// pcap reads a classic capture of either time unit and byte order.
type pcap struct {
	stream *stream
	in     *bufio.Reader
	r      *pcapgo.Reader
	link   uint32
	net    network
	used   int64
	broken bool
	torn   bool
	unread int64
}

func newPcap(st *stream, in *bufio.Reader) (source, error) {
	r, err := pcapgo.NewReader(in)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &pcap{stream: st, in: in, torn: true, unread: st.n, broken: true}, nil
	}
	if err != nil {
		return nil, errors.Join(ErrNoCapture, err)
	}
	r.SetSnaplen(maxFrame)
	const header = 24
	return &pcap{stream: st, in: in, r: r, link: uint32(r.LinkType()), used: header}, nil
}

func (p *pcap) rest() (bool, int64) { return p.torn || p.stream.torn, p.unread }

func (p *pcap) next() (feeds.Input, error) {
	for !p.broken {
		frame, ci, err := p.r.ZeroCopyReadPacketData()
		if err != nil {
			return p.end(err)
		}
		const header = 16
		p.used += header + int64(len(frame))
		at := market.StampOf(ci.Timestamp)
		if payload, line, ok := p.net.udp(p.link, frame); ok {
			return feeds.Input{Kind: feeds.Packet, Line: line, Data: payload, Recv: at}, nil
		}
	}
	return feeds.Input{}, io.EOF
}

// end tells a whole file from a torn one, and both from one with a header that cannot be: behind that nothing marks
// the next record.
func (p *pcap) end(err error) (feeds.Input, error) {
	p.broken = true
	if errors.Is(err, ErrCompression) {
		return feeds.Input{}, err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		p.unread = p.stream.n - p.used
		p.torn = p.unread > 0
		return feeds.Input{}, io.EOF
	}
	if _, err := io.Copy(io.Discard, p.in); err != nil {
		return feeds.Input{}, err
	}
	p.unread = p.stream.n - p.used
	return feeds.Input{Kind: feeds.Garbled}, nil
}
