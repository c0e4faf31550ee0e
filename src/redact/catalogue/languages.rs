//! What secrets are called in other languages than English: one row a language and kind, words as they are written.
//!
//! How a name's words are joined does not matter: `clave secreta` is `claveSecreta`, `CLAVE_SECRETA` and
//! `clave-secreta`. Where a keyboard may lack a letter, the row has the word without it, too.

use crate::redact::kind::Kind;

/// A language, what its words say of a value, and the words.
pub(crate) type Row = (&'static str, Kind, &'static [&'static str]);

/// Words that contain the name of a secret and are none stand with [`Kind::Plain`]; the longest that fits counts.
#[rustfmt::skip]
pub(crate) const LANGUAGES: &[Row] = &[
    ("German", Kind::Secret, &["geheimnis", "geheimer schlüssel", "geheimer schluessel", "geheimschlüssel", "zugangsschlüssel", "zugangsschluessel", "zugriffsschlüssel", "zugriffsschluessel", "privater schlüssel", "privater schluessel", "api schlüssel", "api schluessel", "sitzungsschlüssel", "verschlüsselungsschlüssel", "lizenzschlüssel", "wlan schlüssel", "wlan schluessel", "netzwerkschlüssel", "netzwerksicherheitsschlüssel", "zugriffstoken", "zugangstoken", "zugangscode", "losungswort", "kennwort", "passwort"]),
    ("German", Kind::Secrets, &["zugangsdaten", "anmeldedaten", "kennwörter", "passwörter", "wiederherstellungscodes", "ersatzcodes", "sicherungscodes"]),
    ("French", Kind::Secrets, &["mots de passe", "codes de secours", "codes de récupération", "codes de recuperation", "codes de sauvegarde"]),
    ("Portuguese", Kind::Secrets, &["senhas"]),
    ("Dutch", Kind::Secrets, &["wachtwoorden"]),
    ("Swedish", Kind::Secrets, &["lösenorden"]),
    ("Russian", Kind::Secrets, &["пароли"]),
    ("German", Kind::Pin, &["geheimzahl", "geheimnummer", "sicherheitscode", "bestätigungscode", "bestaetigungscode", "einmalcode", "mtan", "tan nummer", "anmeldecode", "freischaltcode"]),
    ("French", Kind::Secret, &["mot de passe", "mdp", "clé secrète", "cle secrete", "clef secrète", "clé api", "cle api", "clé d'api", "cle d'api", "clé privée", "cle privee", "clé d'accès", "cle d'acces", "clé de chiffrement", "cle de chiffrement", "clé de licence", "jeton", "jeton d'accès", "jeton d'acces", "phrase secrète", "phrase secrete", "phrase de passe"]),
    ("French", Kind::Pin, &["code de vérification", "code de verification", "code de confirmation", "code de validation", "code de sécurité", "code de securite", "code d'accès", "code à usage unique", "code a usage unique", "code unique", "code de connexion", "code de l'alarme", "mot de passe à usage unique", "mot de passe unique"]),
    ("Spanish", Kind::Secret, &["contraseña", "clave secreta", "clave privada", "clave del wifi", "clave wifi", "clave api", "clave de api", "clave de la api", "clave de acceso", "clave de cifrado", "llave privada", "llave secreta", "llave de api", "token de acceso", "palabra secreta", "secreto"]),
    ("Spanish", Kind::Secrets, &["credenciales", "contraseñas", "códigos de respaldo", "codigos de respaldo", "códigos de recuperación", "codigos de recuperacion"]),
    ("Spanish", Kind::Maybe, &["clave"]),
    ("Spanish", Kind::Plain, &["palabra clave", "palabras clave"]),
    ("Spanish", Kind::Pin, &["código de verificación", "codigo de verificacion", "código de seguridad", "codigo de seguridad", "código de confirmación", "codigo de confirmacion", "código de validación", "código de acceso", "código único", "codigo unico", "código de un solo uso", "codigo de un solo uso", "código de uso único", "codigo de uso unico", "código de inicio de sesión", "contraseña de un solo uso", "código de la alarma", "codigo de la alarma", "código de alarma"]),
    ("Portuguese", Kind::Secret, &["senha", "palavra passe", "chave secreta", "chave privada", "chave api", "chave de api", "chave da api", "chave de acesso", "chave de criptografia", "token de acesso", "segredo"]),
    ("Portuguese", Kind::Secrets, &["credenciais", "códigos de backup", "codigos de backup", "códigos de recuperação", "codigos de recuperacao", "códigos de reserva"]),
    ("Portuguese", Kind::Pin, &["código de verificação", "codigo de verificacao", "código de segurança", "codigo de seguranca", "código de confirmação", "código de validação", "código de acesso", "código único", "código de uso único", "codigo de uso unico", "código do alarme", "código de acesso único", "senha de uso único"]),
    ("Italian", Kind::Secret, &["parola d'ordine", "chiave segreta", "chiave privata", "chiave api", "chiave di accesso", "chiave di cifratura", "token di accesso", "segreto"]),
    ("Italian", Kind::Secrets, &["credenziali", "codici di backup", "codici di recupero", "codici di riserva"]),
    ("Italian", Kind::Pin, &["codice di verifica", "codice di conferma", "codice di sicurezza", "codice monouso", "codice usa e getta", "codice di accesso", "password monouso"]),
    ("Dutch", Kind::Secret, &["geheim", "wachtwoord", "wachtwoordzin", "geheime sleutel", "privésleutel", "prive sleutel", "api sleutel", "toegangssleutel", "toegangstoken", "toegangscode", "versleutelingssleutel"]),
    ("Dutch", Kind::Secrets, &["inloggegevens", "herstelcodes", "reservecodes"]),
    ("Dutch", Kind::Pin, &["verificatiecode", "bevestigingscode", "beveiligingscode", "eenmalige code", "eenmalig wachtwoord", "inlogcode"]),
    ("Afrikaans", Kind::Secret, &["wagwoord"]),
    ("Swedish", Kind::Secret, &["lösenord", "lösenfras", "hemlig nyckel", "api nyckel", "privat nyckel", "åtkomstnyckel", "atkomstnyckel", "åtkomsttoken", "krypteringsnyckel", "hemlighet"]),
    ("Swedish", Kind::Pin, &["verifieringskod", "engångskod", "engangskod", "säkerhetskod", "engångslösenord"]),
    ("Danish", Kind::Secret, &["adgangskode", "adgangskoden", "kodeord", "kodeordet", "hemmelig nøgle", "api nøgle", "privat nøgle", "adgangsnøgle", "adgangstoken"]),
    ("Danish", Kind::Pin, &["bekræftelseskode", "engangskode", "engangskodeord"]),
    ("Norwegian", Kind::Secret, &["passord", "passordet", "hemmelig nøkkel", "api nøkkel", "privat nøkkel", "tilgangsnøkkel", "tilgangstoken", "hemmelighet"]),
    ("Norwegian", Kind::Pin, &["bekreftelseskode", "engangskode", "engangspassord"]),
    ("Icelandic", Kind::Secret, &["lykilorð", "lykilord"]),
    ("Finnish", Kind::Secret, &["salasana", "salainen avain", "api avain", "yksityinen avain", "salausavain", "käyttöavain"]),
    ("Finnish", Kind::Pin, &["vahvistuskoodi", "kertakäyttökoodi", "kertakäyttöinen koodi", "kertakayttokoodi"]),
    ("Estonian", Kind::Secret, &["salasõna", "parool"]),
    ("Latvian", Kind::Secret, &["slepenā atslēga"]),
    ("Lithuanian", Kind::Secret, &["slaptažodis", "slaptas raktas"]),
    ("Polish", Kind::Secret, &["hasło", "hasła", "hasłem", "tokenem", "klucz api", "klucz prywatny", "klucz tajny", "tajny klucz", "klucz dostępu", "klucz dostepu", "klucz szyfrowania", "token dostępu", "token dostepu", "sekret"]),
    ("Polish", Kind::Secrets, &["poświadczenia"]),
    ("Polish", Kind::Pin, &["kod weryfikacyjny", "kod potwierdzenia", "kod dostępu", "kod jednorazowy", "kod logowania", "hasło jednorazowe"]),
    ("Czech", Kind::Secret, &["heslo", "tajný klíč", "tajny klic", "api klíč", "api klic", "klíč api", "soukromý klíč", "soukromy klic", "přístupový klíč", "přístupový token", "tajemství"]),
    ("Czech", Kind::Pin, &["ověřovací kód", "overovaci kod", "potvrzovací kód", "jednorázový kód", "jednorazovy kod", "jednorázové heslo"]),
    ("Slovak", Kind::Secret, &["tajný kľúč", "súkromný kľúč", "api kľúč"]),
    ("Slovak", Kind::Pin, &["jednorazový kód"]),
    ("Slovenian", Kind::Secret, &["skrivni ključ", "zasebni ključ"]),
    ("Croatian", Kind::Secret, &["lozinka", "tajni ključ", "tajni kljuc", "privatni ključ", "privatni kljuc", "api ključ", "api kljuc"]),
    ("Croatian", Kind::Pin, &["jednokratni kod", "jednokratna lozinka"]),
    ("Hungarian", Kind::Secret, &["jelszó", "titkos kulcs", "api kulcs", "privát kulcs", "hozzáférési kulcs", "hozzáférési token"]),
    ("Hungarian", Kind::Pin, &["ellenőrző kód", "megerősítő kód", "egyszer használatos kód", "egyszeri kód"]),
    ("Romanian", Kind::Secret, &["parolă", "cheie secretă", "cheie secreta", "cheie api", "cheia api", "cheie privată", "cheie privata", "cheie de acces"]),
    ("Romanian", Kind::Pin, &["cod de verificare", "cod unic", "cod de unică folosință"]),
    ("Albanian", Kind::Secret, &["fjalëkalim", "fjalekalim"]),
    ("Catalan", Kind::Secret, &["contrasenya", "clau secreta", "clau api", "clau privada"]),
    ("Galician", Kind::Secret, &["contrasinal"]),
    ("Basque", Kind::Secret, &["pasahitza"]),
    ("Welsh", Kind::Secret, &["cyfrinair"]),
    ("Irish", Kind::Secret, &["pasfhocal"]),
    ("Turkish", Kind::Secret, &["sır", "şifre", "şifresi", "sifresi", "parolası", "parolasi", "gizli anahtar", "api anahtarı", "api anahtari", "özel anahtar", "ozel anahtar", "erişim anahtarı", "erisim anahtari", "erişim belirteci", "belirteç", "şifreleme anahtarı", "erişim jetonu"]),
    ("Turkish", Kind::Pin, &["doğrulama kodu", "dogrulama kodu", "onay kodu", "güvenlik kodu", "tek kullanımlık şifre", "tek kullanimlik sifre", "tek kullanımlık kod", "tek seferlik kod"]),
    ("Azerbaijani", Kind::Secret, &["şifrə"]),
    ("Greek", Kind::Secret, &["κωδικός", "κωδικός πρόσβασης", "συνθηματικό", "μυστικό κλειδί", "κλειδί api", "ιδιωτικό κλειδί"]),
    ("Greek", Kind::Pin, &["κωδικός μίας χρήσης"]),
    ("Russian", Kind::Secret, &["пароль", "пароля", "секретный ключ", "ключ api", "api ключ", "ключ доступа", "закрытый ключ", "приватный ключ", "ключ шифрования", "токен", "токен доступа", "секрет", "кодовое слово", "парольная фраза"]),
    ("Russian", Kind::Secrets, &["учетные данные", "учётные данные"]),
    ("Russian", Kind::Pin, &["код подтверждения", "код проверки", "код доступа", "одноразовый код", "пин код", "одноразовый пароль", "код входа"]),
    ("Ukrainian", Kind::Secret, &["секретний ключ", "ключ доступу", "приватний ключ", "закритий ключ", "токен доступу"]),
    ("Ukrainian", Kind::Pin, &["код підтвердження", "код доступу", "одноразовий код", "одноразовий пароль"]),
    ("Bulgarian", Kind::Secret, &["парола", "секретен ключ"]),
    ("Serbian", Kind::Secret, &["лозинка", "тајни кључ"]),
    ("Kazakh", Kind::Secret, &["құпия сөз"]),
    ("Mongolian", Kind::Secret, &["нууц үг"]),
    ("Georgian", Kind::Secret, &["პაროლი"]),
    ("Armenian", Kind::Secret, &["գաղտնաբառ"]),
    ("Hebrew", Kind::Secret, &["סיסמה", "סיסמא", "מפתח סודי", "מפתח api", "מפתח פרטי", "אסימון"]),
    ("Hebrew", Kind::Pin, &["קוד אימות", "קוד חד פעמי"]),
    ("Arabic", Kind::Secret, &["كلمة المرور", "كلمة السر", "كلمة مرور", "الرقم السري", "الرمز السري", "مفتاح api", "المفتاح السري", "مفتاح الوصول", "المفتاح الخاص", "رمز الوصول", "المرور", "السر"]),
    ("Arabic", Kind::Pin, &["رمز التحقق", "رمز التأكيد", "رمز لمرة واحدة"]),
    ("Persian", Kind::Secret, &["رمز عبور", "گذرواژه", "کلید مخفی", "کلید api", "کلید خصوصی", "توکن"]),
    ("Persian", Kind::Pin, &["کد تأیید", "کد تایید", "رمز یکبار مصرف"]),
    ("Urdu", Kind::Secret, &["پاس ورڈ"]),
    ("Hindi", Kind::Secret, &["पासवर्ड", "कूटशब्द", "गुप्त कुंजी", "एपीआई कुंजी", "api कुंजी", "निजी कुंजी", "टोकन"]),
    ("Hindi", Kind::Pin, &["सत्यापन कोड", "ओटीपी"]),
    ("Bengali", Kind::Secret, &["পাসওয়ার্ড"]),
    ("Tamil", Kind::Secret, &["கடவுச்சொல்"]),
    ("Thai", Kind::Secret, &["รหัสผ่าน"]),
    ("Thai", Kind::Pin, &["รหัสยืนยัน"]),
    ("Vietnamese", Kind::Secret, &["mật khẩu", "khẩu", "khóa bí mật", "khóa api", "khoá api", "khóa riêng"]),
    ("Vietnamese", Kind::Pin, &["mã xác nhận", "mã xác minh", "mật khẩu dùng một lần"]),
    ("Indonesian", Kind::Secret, &["kata sandi", "kunci rahasia", "kunci api", "kunci privat", "kunci akses", "token akses"]),
    ("Indonesian", Kind::Pin, &["kode verifikasi", "kode sekali pakai", "kode otp"]),
    ("Malay", Kind::Secret, &["kata laluan"]),
    ("Swahili", Kind::Secret, &["nenosiri"]),
    ("Chinese", Kind::Secret, &["密码", "密碼", "口令", "令牌", "密钥", "密鑰", "秘钥", "秘鑰", "私钥", "私鑰", "金鑰", "授权码", "授權碼"]),
    ("Chinese", Kind::Pin, &["验证码", "驗證碼", "校验码", "确认码", "確認碼", "动态码", "動態碼", "动态密码", "動態密碼", "一次性密码", "一次性密碼", "一次性验证码", "短信验证码", "安全码"]),
    ("Japanese", Kind::Secret, &["パスワード", "パスフレーズ", "パスコード", "秘密鍵", "暗号鍵", "暗号化キー", "apiキー", "アクセスキー", "シークレットキー", "シークレット", "アクセストークン", "トークン", "認証キー", "合言葉"]),
    ("Japanese", Kind::Secrets, &["認証情報"]),
    ("Japanese", Kind::Pin, &["暗証番号", "認証コード", "確認コード", "認証番号", "ワンタイムパスワード", "ワンタイムコード"]),
    ("Korean", Kind::Secret, &["비밀번호", "비번", "암호", "패스워드", "비밀키", "비밀 키", "토큰", "액세스 키", "api 키", "api키", "개인키", "개인 키", "인증키", "인증 키", "시크릿", "시크릿 키", "암호화 키"]),
    ("Korean", Kind::Pin, &["인증번호", "인증 코드", "확인 코드", "일회용 비밀번호", "일회용 코드", "확인코드"]),
    // What a state numbers its people with. A word without the letters of another row would have most names looked at.
    ("French", Kind::Secret, &["numero securite sociale", "numero de securite sociale", "numéro de sécurité sociale"]),
    ("Portuguese", Kind::Secret, &["cpf"]),
    // What a telephone is called. A word without the letters of another row would have most names looked at: such words
    // stand beside the numbers, and count in texts alone.
    ("English", Kind::Phone, &["phone", "phones", "telephone", "mobile", "mobile number", "mobile phone", "home phone", "work phone", "cellphone", "phone number", "tel", "fax", "gsm", "msisdn", "sms", "whatsapp"]),
    ("German", Kind::Phone, &["telefon", "telefonnummer", "mobil", "mobilnummer", "mobiltelefon", "handy", "handynummer"]),
    ("French", Kind::Phone, &["téléphone", "tél", "numéro de téléphone", "numéro de portable", "téléphone portable", "téléphone fixe"]),
    ("Spanish", Kind::Phone, &["teléfono", "telefono", "teléfonos", "móvil", "celular", "teléfono móvil", "teléfono fijo"]),
    ("Portuguese", Kind::Phone, &["telefone", "telefones", "telemóvel", "telemovel", "telefone fixo"]),
    ("Italian", Kind::Phone, &["telefono", "cellulare"]),
    ("Dutch", Kind::Phone, &["telefoon", "telefoonnummer", "mobiel", "gsm nummer"]),
    ("Swedish", Kind::Phone, &["telefon", "telefonnummer", "mobilnummer", "mobiltelefon"]),
    ("Danish", Kind::Phone, &["tlf", "telefonnummer", "mobilnummer", "mobiltelefon"]),
    ("Icelandic", Kind::Phone, &["sími", "símanúmer", "farsími"]),
    ("Finnish", Kind::Phone, &["gsm numero"]),
    ("Estonian", Kind::Phone, &["telefon", "telefoninumber", "mobiil"]),
    ("Latvian", Kind::Phone, &["tālrunis", "telefona", "mobilais"]),
    ("Lithuanian", Kind::Phone, &["telefonas", "telefono numeris", "mobilusis"]),
    ("Polish", Kind::Phone, &["telefon", "telefonu", "komórka", "komórkowy"]),
    ("Czech", Kind::Phone, &["telefon", "telefonu", "telefonní číslo", "mobil"]),
    ("Slovak", Kind::Phone, &["telefón", "telefónne číslo", "mobil"]),
    ("Croatian", Kind::Phone, &["telefon", "telefona", "mobitel", "mobitela"]),
    ("Hungarian", Kind::Phone, &["telefon", "telefonszám", "mobilszám", "mobiltelefon"]),
    ("Romanian", Kind::Phone, &["telefon", "telefonul", "mobil"]),
    ("Turkish", Kind::Phone, &["telefon", "telefonu", "telefon numarası", "telefon numarasi"]),
    ("Greek", Kind::Phone, &["τηλέφωνο", "τηλ", "κινητό"]),
    ("Russian", Kind::Phone, &["телефон", "тел", "мобильный", "мобильного", "сотовый"]),
    ("Ukrainian", Kind::Phone, &["мобільний"]),
    ("Bulgarian", Kind::Phone, &["мобилен"]),
    ("Serbian", Kind::Phone, &["мобилни"]),
    ("Hebrew", Kind::Phone, &["טלפון", "נייד"]),
    ("Arabic", Kind::Phone, &["هاتف", "الهاتف", "جوال", "الجوال", "موبايل", "الموبايل"]),
    ("Persian", Kind::Phone, &["تلفن", "تلفن همراه", "موبایل"]),
    ("Hindi", Kind::Phone, &["फ़ोन", "फोन", "फ़ोन नंबर", "फोन नंबर", "मोबाइल", "मोबाइल नंबर"]),
    ("Bengali", Kind::Phone, &["ফোন", "মোবাইল"]),
    ("Thai", Kind::Phone, &["โทรศัพท์", "เบอร์โทร", "เบอร์โทรศัพท์", "มือถือ"]),
    ("Vietnamese", Kind::Phone, &["điện thoại", "thoại", "sđt", "di động"]),
    ("Indonesian", Kind::Phone, &["telepon", "nomor telepon", "telp"]),
    ("Malay", Kind::Phone, &["telefon", "nombor telefon"]),
    ("Chinese", Kind::Phone, &["电话", "電話", "电话号码", "電話號碼", "手机", "手機", "手机号", "手機號", "手机号码", "手機號碼", "传真", "傳真"]),
    ("Japanese", Kind::Phone, &["電話", "電話番号", "携帯", "携帯番号", "ファックス"]),
    ("Korean", Kind::Phone, &["전화", "전화번호", "휴대폰", "휴대폰번호", "휴대전화", "핸드폰", "팩스"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_is_in_lower_case_and_stands_once_in_its_language() {
        let mut seen: Vec<(&str, &str)> = Vec::new();
        for (language, _, phrases) in LANGUAGES {
            for phrase in *phrases {
                assert_eq!(*phrase, phrase.to_lowercase().trim(), "{language}");
                assert!(!seen.contains(&(language, phrase)), "{language}: {phrase}");
                seen.push((language, phrase));
            }
        }
    }
}
