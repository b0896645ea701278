package journal

// The layout is tested from outside through these.
var (
	AppendFrame = appendFrame
	ParseFrame  = parseFrame
	FrameSize   = frameSize
	SegmentName = segmentName
)

const (
	HeaderSize = headerSize
	EpochCopy  = epochCopy
	EpochGap   = epochGap
)

// EncodeHeader returns a segment's header.
func EncodeHeader(first LSN, epoch uint32, node, group string) []byte {
	return header{First: first, Epoch: epoch, Node: node, Group: group}.encode()
}
