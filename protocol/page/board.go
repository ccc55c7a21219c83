package page

import (
	"errors"
	"fmt"
)

// Board is the drawing surface of a board: its size and the height of its
// smallest row of text, all in px.
type Board struct {
	Width, Height, Row int
}

// The limits of a board, px.
const (
	MaxWidth  = 3840
	MaxHeight = 2160
)

// ErrBoard: a board of a size or row that pages cannot be made for.
var ErrBoard = errors.New("unsupported board")

// Rows returns the row heights that there are letters for, ascending, px.
func Rows() []int { return []int{16, 24, 32, 48, 96, 160} }

// Validate returns ErrBoard unless the row is one of Rows, the board holds at
// least one row, is at least eight times as wide as the row is high (about
// sixteen letters), and keeps the limits above.
func (b Board) Validate() error {
	known := false
	for _, r := range Rows() {
		known = known || r == b.Row
	}
	if !known || b.Height < b.Row || b.Width < 8*b.Row || b.Width > MaxWidth || b.Height > MaxHeight {
		return fmt.Errorf("%dx%d px, rows of %d px: %w", b.Width, b.Height, b.Row, ErrBoard)
	}
	return nil
}

// rows returns how many of its smallest rows the board holds.
func (b Board) rows() int { return b.Height / b.Row }
