package normalise

// foreignName reads names of places, bodies, firms, goods and newer words, in
// small letters, as they are said in Vietnamese.
func foreignName(s string) string {
	switch s {
	case "adenovirus":
		return "a đê nô vi rút"
	case "aerobic":
		return "e rô bích"
	case "kali":
		return "ka li"
	case "link":
		return "linh"
	case "ea":
		return "ê a"
	case "pleiku":
		return "plây cu"
	case "oresol":
		return "o rê xon"
	case "rumani":
		return "ru ma ni"
	case "agribank":
		return "a gri banh"
	case "airbus":
		return "e bớt"
	case "album":
		return "an bum"
	case "android":
		return "an đroi"
	case "apple":
		return "áp pồ"
	case "argentina":
		return "ác hen ti na"
	case "aspirin":
		return "át xpi rin"
	case "bangkok":
		return "băng cốc"
	case "bank":
		return "banh"
	case "banking":
		return "banh kinh"
	case "banner":
		return "ban nơ"
	case "beijing":
		return "bắc kinh"
	case "bidv":
		return "bi ai đi vi"
	case "boeing":
		return "bô ing"
	case "brazil":
		return "bra xin"
	case "brunei":
		return "bru nây"
	case "cafe":
		return "cà phê"
	case "cambodia":
		return "cam pu chia"
	case "chat":
		return "chát"
	case "chatbot":
		return "chát bốt"
	case "chloramin":
		return "clo ra min"
	case "chlorine":
		return "clo rin"
	case "cloramin":
		return "clo ra min"
	case "club":
		return "clúp"
	case "cocaine":
		return "cô ca in"
	case "coffee":
		return "cà phê"
	case "composite":
		return "com pô dít"
	case "copy":
		return "cóp pi"
	case "cuba":
		return "cu ba"
	case "cup":
		return "cúp"
	case "dance":
		return "đan"
	case "deadline":
		return "đét lai"
	case "delta":
		return "đen ta"
	case "dengue":
		return "đăng gơ"
	case "derby":
		return "đéc bi"
	case "diesel":
		return "đi ê zen"
	case "dollar":
		return "đô la"
	case "ebola":
		return "ê bô la"
	case "ethanol":
		return "ê ta non"
	case "euro":
		return "ơ rô"
	case "fastfood":
		return "phát phút"
	case "fifa":
		return "phi pha"
	case "ford":
		return "pho"
	case "format":
		return "pho mát"
	case "formol":
		return "phoóc môn"
	case "forum":
		return "pho rum"
	case "game":
		return "ghêm"
	case "games":
		return "ghêm"
	case "germany":
		return "đức"
	case "grab":
		return "gráp"
	case "guitar":
		return "ghi ta"
	case "gym":
		return "gim"
	case "hacker":
		return "hách cơ"
	case "hectare":
		return "héc ta"
	case "heroin":
		return "hê rô in"
	case "honda":
		return "hôn đa"
	case "hongkong":
		return "hồng công"
	case "hyundai":
		return "hun đai"
	case "inox":
		return "i nốc"
	case "instagram":
		return "in xta gram"
	case "insulin":
		return "in xu lin"
	case "interpol":
		return "in tơ pôn"
	case "iran":
		return "i ran"
	case "iraq":
		return "i rắc"
	case "israel":
		return "i xra en"
	case "italia":
		return "i ta li a"
	case "jakarta":
		return "gia các ta"
	case "japan":
		return "nhật bản"
	case "jica":
		return "gi ca"
	case "ketamine":
		return "kê ta min"
	case "korea":
		return "hàn quốc"
	case "laos":
		return "lào"
	case "laser":
		return "la de"
	case "lazada":
		return "la da đa"
	case "london":
		return "luân đôn"
	case "mail":
		return "meo"
	case "maket":
		return "ma két"
	case "manila":
		return "ma ni la"
	case "marathon":
		return "ma ra tông"
	case "max":
		return "mắc"
	case "methanol":
		return "mê ta non"
	case "mexico":
		return "mê hi cô"
	case "microsoft":
		return "mai crô xóp"
	case "mobifone":
		return "mô bi phôn"
	case "mobile":
		return "mô bai"
	case "momo":
		return "mô mô"
	case "moscow":
		return "mát xcơ va"
	case "moskva":
		return "mát xcơ va"
	case "mr":
		return "mít tơ"
	case "mrs":
		return "mít xít"
	case "myanmar":
		return "mi an ma"
	case "netherlands":
		return "hà lan"
	case "nicotine":
		return "ni cô tin"
	case "nilon":
		return "ni lông"
	case "noel":
		return "nô en"
	case "hashtag":
		return "hát tác"
	case "haccp":
		return "hát a xê xê pê"
	case "bualoi":
		return "bua loi"
	case "damrey":
		return "đam rây"
	case "doksuri":
		return "đốc xu ri"
	case "kajiki":
		return "ca di ki"
	case "kalmaegi":
		return "can mê ghi"
	case "matmo":
		return "mát mô"
	case "molave":
		return "mô la vê"
	case "noru":
		return "nô ru"
	case "prapiroon":
		return "pra pi run"
	case "ragasa":
		return "ra ga xa"
	case "talim":
		return "ta lim"
	case "trami":
		return "tra mi"
	case "usagi":
		return "u xa ghi"
	case "wipha":
		return "uy pha"
	case "yagi":
		return "ya gi"
	case "nylon":
		return "ni lông"
	case "ok":
		return "ô kê"
	case "omicron":
		return "ô mi crôn"
	case "opec":
		return "ô péc"
	case "palestine":
		return "pa lét xtin"
	case "pano":
		return "pa nô"
	case "paris":
		return "pa ri"
	case "password":
		return "pát uốt"
	case "piano":
		return "pi a nô"
	case "pizza":
		return "pi da"
	case "play":
		return "plây"
	case "polyme":
		return "pô ly me"
	case "poster":
		return "pốt xtơ"
	case "radar":
		return "ra đa"
	case "resort":
		return "ri dọt"
	case "richter":
		return "rích te"
	case "rock":
		return "rốc"
	case "rubella":
		return "ru be la"
	case "sale":
		return "xeo"
	case "salon":
		return "xa lông"
	case "scan":
		return "xcan"
	case "sea":
		return "xi"
	case "seoul":
		return "xê un"
	case "seri":
		return "xê ri"
	case "serie":
		return "xê ri"
	case "series":
		return "xê ri"
	case "shop":
		return "sóp"
	case "shopee":
		return "sóp pi"
	case "show":
		return "sô"
	case "smart":
		return "xmát"
	case "smarttv":
		return "xmát ti vi"
	case "sms":
		return "ét em ét"
	case "spa":
		return "xpa"
	case "spam":
		return "xpam"
	case "start-up":
		return "xtác áp"
	case "startup":
		return "xtác áp"
	case "store":
		return "xờ to"
	case "studio":
		return "xtu đi ô"
	case "suzuki":
		return "xu du ki"
	case "sweden":
		return "thuỵ điển"
	case "syria":
		return "xi ri"
	case "taiwan":
		return "đài loan"
	case "tel":
		return "điện thoại"
	case "telegram":
		return "tê lê gram"
	case "thailand":
		return "thái lan"
	case "tokyo":
		return "tô ky ô"
	case "top":
		return "tóp"
	case "tour":
		return "tua"
	case "toyota":
		return "tô i ô ta"
	case "trailer":
		return "trây lơ"
	case "twitter":
		return "tuýt tơ"
	case "uefa":
		return "u ê pha"
	case "ukraina":
		return "u crai na"
	case "ukraine":
		return "u crai na"
	case "undp":
		return "u en đê pê"
	case "unfpa":
		return "u en ép pê a"
	case "usaid":
		return "u ét ết"
	case "viber":
		return "vai bơ"
	case "vietcombank":
		return "việt com banh"
	case "vietinbank":
		return "việt tin banh"
	case "vietnam":
		return "việt nam"
	case "viettel":
		return "viét teo"
	case "vinaphone":
		return "vi na phôn"
	case "vinfast":
		return "vin phát"
	case "violin":
		return "vi ô lông"
	case "voucher":
		return "vao chơ"
	case "washington":
		return "oa sinh tơn"
	case "windows":
		return "uyn đâu"
	case "workshop":
		return "uốc sóp"
	case "yamaha":
		return "ya ma ha"
	case "yoga":
		return "iô ga"
	case "zoom":
		return "dum"
	}
	return ""
}
