// Package tracer runs a program under ptrace and stops it before each call of the
// system that writes to a file or sends: it names the place in the program by its
// stack, file and call, asks what is to become of it, and kills the program there,
// lets half of the bytes through first, or answers that the disk is full. It is for
// tests; it knows nothing of Loa, and the program needs nothing for it.
//
// A place is found as profilers do, by the frame pointers that Go keeps, so names
// stay the same while lines move. Only the calls that matter stop the program: a
// filter of the kernel's picks them out.
package tracer

// Fate is what becomes of a call.
type Fate int

// Fates. All but Pass and Refuse end the program.
const (
	// Pass lets it happen.
	Pass Fate = iota
	// Kill ends the program before it happens.
	Kill
	// Torn ends the program when half of its bytes are written.
	Torn
	// Cut is a power cut: as Torn, and what was written before and not made durable
	// (fsync) is taken back. The folder's own entries stay.
	Cut
	// Refuse answers that the disk is full.
	Refuse
)

// Point is one call, before it happens.
type Point struct {
	// Call is the system's name of it: "pwrite64".
	Call string
	// Path is the file's, or of another kind of descriptor what the kernel calls it:
	// "socket:[1234]".
	Path string
	// Descriptor is the file's, -1 for a call on a path.
	Descriptor int
	// Size is how many bytes are to be written, -1 if the call does not say.
	Size int
	// Stack are the functions, innermost first; those that the compiler inlined are
	// not among them.
	Stack []string
}

// Socket says whether the call sends to somebody else.
func (p Point) Socket() bool { return len(p.Path) > 7 && p.Path[:7] == "socket:" }

// Splits says whether half of it can happen.
func (p Point) Splits() bool {
	switch p.Call {
	case "write", "pwrite64", "sendto":
		return p.Size > 1
	}
	return false
}
