package orders

// Encode and Decode are the journal codec, for tests outside the package.
var (
	Encode = encode
	Decode = decode
)

// FencedParts is fencedParts.
var FencedParts = fencedParts
