package notebook

// builtIn are emergencies that come with the program, to be changed before they
// are sent: square brackets stand for what only the commune knows.
func builtIn() []Template {
	t := func(id, name, title, text, board, clear string) Template {
		return Template{
			ID: id, Name: name, Title: title, Text: text, Board: board,
			ClearTitle: "Báo hết khẩn cấp: " + name, ClearText: clear, ClearBoard: "ĐÃ HẾT KHẨN CẤP. " + clear,
		}
	}
	return []Template{
		t("mau-lu", "Lũ, ngập", "Khẩn cấp: nước lũ dâng",
			"Nước sông đang lên nhanh. Bà con ở [vùng thấp ven sông] hãy rời ngay lên [nơi cao, trường học]. Mang theo giấy tờ, thuốc, nước uống. Tắt cầu dao điện trước khi đi. Không lội qua dòng nước chảy.",
			"NƯỚC LŨ DÂNG. RỜI NGAY LÊN NƠI CAO.", "Nước lũ đã rút. Bà con có thể trở về nhà. Chưa dùng điện và nước giếng khi chưa kiểm tra."),
		t("mau-sat-lo", "Sạt lở", "Khẩn cấp: nguy cơ sạt lở đất",
			"Có nguy cơ sạt lở đất tại [nơi]. Bà con ở dưới chân đồi, ven taluy hãy rời ngay đến [nơi an toàn]. Không quay lại lấy đồ.",
			"NGUY CƠ SẠT LỞ. RỜI NGAY.", "Nguy cơ sạt lở đã qua. Bà con trở về theo hướng dẫn của cán bộ xã."),
		t("mau-bao", "Bão", "Khẩn cấp: bão sắp đổ bộ",
			"Bão dự kiến đổ bộ trong [số] giờ tới. Bà con vào nhà kiên cố, chằng chống cửa, không ra đường. Tàu thuyền vào nơi tránh trú. Người già và trẻ em đến [nơi trú].",
			"BÃO ĐỔ BỘ. VÀO NHÀ KIÊN CỐ, KHÔNG RA ĐƯỜNG.", "Bão đã tan. Bà con cẩn thận dây điện đứt và cây gãy khi ra ngoài."),
		t("mau-chay", "Cháy", "Khẩn cấp: cháy lớn",
			"Đang có cháy lớn tại [nơi]. Bà con quanh đó rời ngay theo hướng [hướng], nhường đường cho xe chữa cháy. Khoá bình ga, ngắt điện nếu kịp.",
			"CHÁY LỚN. RỜI NGAY, NHƯỜNG ĐƯỜNG CHO XE CHỮA CHÁY.", "Đám cháy đã được dập tắt. Bà con có thể trở về nhà."),
		t("mau-xa-lu", "Xả hồ, đập", "Khẩn cấp: hồ xả nước",
			"Hồ [tên] xả nước từ [giờ]. Bà con rời khỏi lòng sông, bãi bồi ngay, đưa gia súc lên cao, không vớt củi.",
			"HỒ XẢ NƯỚC. RỜI KHỎI LÒNG SÔNG.", "Hồ đã ngừng xả nước. Bà con có thể ra sông trở lại khi nước đã hạ."),
		t("mau-nuoc", "Nước nhiễm bẩn", "Khẩn cấp: không dùng nước máy",
			"Nước máy tại [nơi] đang bị nhiễm bẩn. Bà con không uống, không nấu ăn bằng nước máy cho đến khi có thông báo. Nước sạch phát tại [nơi].",
			"KHÔNG UỐNG NƯỚC MÁY.", "Nước máy đã an toàn. Bà con xả vòi năm phút trước khi dùng lại."),
	}
}
