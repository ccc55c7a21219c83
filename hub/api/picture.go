package api

import (
	"bytes"
	"net/http"

	"github.com/loa-vn/loa/protocol"
)

// picture returns the type of a picture by its bytes, whatever it was called; ""
// for anything else.
func picture(data []byte) string {
	switch kind := http.DetectContentType(data); kind {
	case "image/jpeg", "image/png", "image/webp":
		return kind
	}
	return ""
}

// keep stores bytes by their digest.
func (s *Server) keep(data []byte) (protocol.Digest, error) {
	digest, _, err := s.Sounds.Put(bytes.NewReader(data), int64(len(data)))
	return digest, err
}
