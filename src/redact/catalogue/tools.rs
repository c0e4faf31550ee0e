//! Command lines with a secret in them, a row each: the words of the command, and where it takes its secret.

use crate::redact::catalogue::list::List;
use crate::redact::class::Class;
use crate::redact::read::bytes;

/// Where a command takes its secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The argument with this number, from 0, behind the words of the command; options are not counted.
    Argument(usize),
    /// That argument, and each behind it.
    From(usize),
    /// The word behind one of these options.
    Option(&'static str),
    /// The rest of a word that begins so: `-pS3cret`.
    Attached(&'static str),
    /// What is piped into it: `echo S3cret | …`, `… <<< S3cret`.
    Stdin,
    /// It prints one: the line below the command, if that is one word.
    Printed,
}

/// A command that takes a secret.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tool {
    /// Words that stand in this order, others among them. Of `a|b` one stands there, `a*` and `*a` are beginnings and
    /// ends of words, and `-b` stands also in `-nb`. Without words it is any command.
    pub(crate) command: &'static str,
    pub(crate) place: Place,
    /// The secret begins behind the first of these signs in its word: `user:password`.
    pub(crate) behind: &'static str,
    /// Only what looks chosen is a secret there.
    pub(crate) chosen: bool,
    /// Behind one of these words another command begins.
    pub(crate) until: &'static str,
    /// A command line, `{}` in the place of the secret.
    #[cfg(test)]
    pub(crate) example: &'static str,
    /// A command line that the row must leave as it is, where one comes near.
    #[cfg(test)]
    pub(crate) near_miss: &'static str,
}

impl Tool {
    const fn behind(self, behind: &'static str) -> Self {
        Self { behind, ..self }
    }

    const fn chosen(self) -> Self {
        Self {
            chosen: true,
            ..self
        }
    }

    const fn until(self, until: &'static str) -> Self {
        Self { until, ..self }
    }

    const fn but_not(self, near_miss: &'static str) -> Self {
        #[cfg(not(test))]
        let _ = near_miss;
        Self {
            #[cfg(test)]
            near_miss,
            ..self
        }
    }
}

/// The example is for readers, and for the test of all rows: a binary does without it.
const fn tool(command: &'static str, place: Place, example: &'static str) -> Tool {
    #[cfg(not(test))]
    let _ = example;
    Tool {
        command,
        place,
        behind: "",
        chosen: matches!(place, Argument(_) | From(_)),
        until: "",
        #[cfg(test)]
        example,
        #[cfg(test)]
        near_miss: "",
    }
}

use Place::{Argument, Attached, From, Option, Printed, Stdin};

/// The class of what the rows find.
pub(crate) const CLASS: Class = Class::Field;

/// Commands that print a secret. They stand apart, since no argument of theirs is one.
#[rustfmt::skip]
pub(crate) const PRINTERS: &[Tool] = &[
    tool("openssl rand", Printed, "$ openssl rand -hex 32\n{}\n$ ").but_not("$ openssl rand -out /tmp/seed1.bin 32\nharbour7lantern"),
    tool("pwgen|apg|makepasswd|genpass|xkcdpass", Printed, "$ pwgen -s 20 1\n{}\n$ ").but_not("$ pwgen --version\npwgen version 2.08"),
    tool("head|dd|cat|tr *dev/urandom|*dev/random", Printed, "$ head -c 32 /dev/urandom | base64\n{}\n").but_not("$ head -c 9M /dev/urandom > blob1.bin\nharbour7lantern"),
    tool("gpg|gpg2 --gen-random", Printed, "$ gpg --gen-random --armor 1 24\n{}\n"),
    tool("wg genkey|genpsk", Printed, "$ wg genkey\n{}\n").but_not("$ wg genkey | wg pubkey\nharbour7lantern"),
    tool("rails|rake|bin/rails secret", Printed, "$ bin/rails secret\n{}\n").but_not("$ rails routes\nharbour7lantern"),
    tool("mix phx.gen.secret", Printed, "$ mix phx.gen.secret\n{}\n"),
    tool("php artisan key:generate", Printed, "$ php artisan key:generate --show\n{}\n"),
    tool("python|python3 *secrets.token_*", Printed, "$ python3 -c 'import secrets; print(secrets.token_hex(32))'\n{}\n"),
    tool("node *randomBytes*", Printed, "$ node -e \"console.log(require('crypto').randomBytes(32).toString('hex'))\"\n{}\n"),
    tool("pass show", Printed, "$ pass show prod/db\n{}\n").but_not("$ pass ls prod\nharbour7lantern"),
    tool("op read", Printed, "$ op read op://prod/db/password\n{}\n"),
    tool("bw get password|totp", Printed, "$ bw get password db\n{}\n").but_not("$ bw get username db\nharbour7lantern"),
    tool("security find-generic-password|find-internet-password -w", Printed, "$ security find-generic-password -s db -w\n{}\n"),
    tool("aws get-login-password|get-secret-value", Printed, "$ aws secretsmanager get-secret-value --secret-id db --query SecretString --output text\n{}\n").but_not("$ aws s3 ls\nharbour7lantern"),
    tool("gcloud versions access", Printed, "$ gcloud secrets versions access latest --secret=db\n{}\n"),
    tool("vault read|get -field=*", Printed, "$ vault kv get -field=password secret/db\n{}\n").but_not("$ vault kv list secret/db\nharbour7lantern"),
    tool("gcloud print-access-token|print-identity-token", Printed, "$ gcloud auth print-access-token\n{}\n"),
    tool("kubectl|oc create token", Printed, "$ kubectl create token deployer\n{}\n").but_not("$ kubectl create deployment app1\nharbour7lantern"),
    tool("kubeadm token create", Printed, "$ kubeadm token create\n{}\n"),
];

#[rustfmt::skip]
pub(crate) const TOOLS: &[Tool] = &[
    // Any command.
    tool("", Attached("/p:"), "xfreerdp /u:bob /p:{} /v:host"),
    tool("", Attached("/rp:"), "schtasks /create /tn job /ru bob /rp:{}"),
    tool("", Attached("/pass:"), "cmdkey /add:server /user:bob /pass:{}"),
    tool("", Attached("--user="), "etcdctl --user=root:{} get k").behind(":").but_not("docker run --user=1000:1000 app"),

    // Stores.
    tool("lftp", Option("-u"), "lftp -u bob,{} sftp://example.com").behind(",").but_not("lftp -u bob sftp://example.com"),
    tool("etcdctl", Option("--user"), "etcdctl --user root:{} get k").behind(":"),

    // HTTP.
    tool("curl|wget|ab|siege", Option("-u|--user|-U|--proxy-user|--http-user|-A"), "curl -u bob:{} https://example.com").behind(":").but_not("curl -u bob https://example.com"),
    tool("curl", Attached("-u"), "curl -ubob:{} https://example.com").behind(":").but_not("curl -ubob https://example.com/a1"),
    tool("http|https|xh|xhs", Option("-a|--auth"), "http -a bob:{} https://example.com").behind(":"),
    tool("http|https|xh|xhs -A|--auth-type bearer", Option("-a|--auth"), "https -A bearer -a {} example.com"),

    // Databases.
    tool("mysql|mysqldump|mysqladmin|mysqlimport|mysqlcheck|mysqlsh|mariadb|mariadb-dump|mariadb-admin", Attached("-p"), "mysql -u root -p{} shop").but_not("mysql -u root -p shop1"),
    tool("mysqladmin password", Argument(0), "mysqladmin -u root password {}"),
    tool("mongo|mongosh|mongodump|mongorestore|mongoexport|mongoimport", Option("-p"), "mongosh -u admin -p {} --authenticationDatabase admin"),
    tool("cqlsh|snowsql|hdbsql|beeline|cypher-shell|neo4j-admin", Option("-p"), "cqlsh -u cassandra -p {} host"),
    tool("neo4j-admin set-initial-password", Argument(0), "neo4j-admin dbms set-initial-password {}"),
    tool("sqlcmd|bcp|isql|osql|tsql|trino", Option("-P"), "sqlcmd -S host -U sa -P {} -Q 'select 1'"),
    tool("sqlcmd|bcp|osql|tsql", Attached("-P"), "sqlcmd -S host -U sa -P{} -Q 'select 1'"),
    tool("redis-cli|valkey-cli|keydb-cli", Option("-a"), "redis-cli -h cache1 -a {} ping").but_not("redis-cli -h cache1 -p 6380 ping"),
    tool("redis-cli|valkey-cli|keydb-cli AUTH|auth", From(0), "redis-cli AUTH {}"),
    tool("influx", Option("-t"), "influx query -t {} 'from(bucket)'"),
    tool("db2 using", Argument(0), "db2 connect to shop user bob using {}"),
    tool("sqlplus|sqlcl|impdp|expdp|imp|exp|sqlldr|rman|connect|CONNECT|conn", From(0), "sqlplus app/{}@//host:1521/x").behind("/").but_not("sqlplus app@//host:1521/x1"),
    tool("elasticsearch-users useradd|passwd", Option("-p"), "elasticsearch-users useradd bob -p {} -r viewer"),
    tool("elasticsearch-keystore|kibana-keystore|logstash-keystore|filebeat|metricbeat add", Stdin, "echo {} | elasticsearch-keystore add -x bootstrap"),

    // Shells, users and files of passwords.
    tool("sshpass", Option("-p"), "sshpass -p {} ssh bob@host").until(SHELLS).but_not("sshpass -e ssh -p 2222 host7"),
    tool("sshpass", Attached("-p"), "sshpass -p{} ssh bob@host").until(SHELLS).but_not("sshpass -e ssh -p2222 host7"),
    tool("useradd|usermod|adduser", Option("-p"), "useradd -m -p {} bob").but_not("useradd -m -s /bin/bash app1"),
    tool("chpasswd", Stdin, "echo 'bob:{}' | sudo chpasswd").behind(":"),
    tool("passwd|smbpasswd|kpasswd", Stdin, "echo {} | passwd --stdin bob"),
    tool("sudo -S", Stdin, "echo {} | sudo -S apt update"),
    tool("kinit", Stdin, "kinit bob <<< {}"),
    tool("htpasswd", Stdin, "echo {} | htpasswd -i .htpasswd bob"),
    tool("htpasswd -b", From(1), "htpasswd -bc .htpasswd bob {}").but_not("htpasswd -c .htpasswd user1"),
    tool("mosquitto_passwd -b", Argument(2), "mosquitto_passwd -b passwords bob {}"),
    tool("mkpasswd", From(0), "mkpasswd -m sha-512 {}"),
    tool("caddy hash-password", Option("--plaintext|-p"), "caddy hash-password --plaintext {}"),
    tool("dscl -passwd", From(1), "dscl . -passwd /Users/bob {}"),
    tool("expect *password*|*assword:*|*passphrase* send", From(0), "expect -c 'spawn ssh host ; expect \"password:\" { send \"{}\" }'"),
    tool("login", Option("-p"), "docker login -u bob -p {} registry.example.com"),
    tool("docker|podman|nerdctl login", Attached("-p"), "docker login -u bob -p{} registry.example.com"),
    tool("login", Stdin, "vault login - <<< {}"),
    tool("--password-stdin|password_stdin", Stdin, "echo {} | docker login -u bob --password-stdin"),
    tool("--passwd-on-stdin|--stdin|-stdinpass|/dev/stdin", Stdin, "echo {} | openconnect -u bob --passwd-on-stdin vpn.example.com"),
    tool("--passphrase*|*passphrase", Stdin, "echo {} | gpg --batch --passphrase-fd 0 -d file.gpg"),
    tool("--with-token|--token*", Stdin, "gh auth login --with-token <<< {}").but_not("gh auth login --with-token < token1.txt"),
    tool("-pass*", Stdin, "echo {} | openssl enc -aes-256-cbc -pass stdin"),
    tool("secret*", Stdin, "echo {} | docker secret create db -").but_not("gh secret list -R acme/web1"),
    tool("pass|gopass insert", Stdin, "pass insert -e work/db <<< {}"),
    tool("cryptsetup", Stdin, "printf {} | cryptsetup open /dev/sdb1 data"),

    // Keys and archives.
    tool("openssl", Option("-k|-K"), "openssl enc -aes-256-cbc -k {} -in a -out b").but_not("openssl genrsa -out server1.key 2048"),
    tool("openssl", Option("-passin|-passout|-pass|-password"), "openssl pkcs12 -in k7.p12 -passin pass:{}").behind("pass:"),
    tool("openssl passwd", From(0), "openssl passwd -6 -salt xyz {}"),
    tool("ssh-keygen", Option("-N|-P"), "ssh-keygen -t ed25519 -N {} -f id").but_not("ssh-keygen -t ed25519 -C comment1"),
    tool("keytool|jarsigner", Option("-storepass|-keypass|-srcstorepass|-deststorepass|-srckeypass|-destkeypass"), "keytool -list -keystore k7.jks -storepass {}").but_not("keytool -list -keystore store1.jks"),
    tool("security", Option("-w"), "security add-generic-password -a bob -s service -w {}"),
    tool("security unlock-keychain|create-keychain|import|set-key-partition-list", Option("-p|-P|-k"), "security unlock-keychain -p {} login.keychain"),
    tool("certutil", Option("-p"), "certutil -f -p {} -importpfx file.pfx"),
    tool("signtool", Option("/p"), "signtool sign /f cert.pfx /p {} app.exe"),
    tool("7z|7za|7zz|rar|unrar", Attached("-p"), "7z x archive.7z -p{}"),
    tool("7z|7za|7zz|rar|unrar|steghide", Option("-p"), "rar a -p {} archive.rar dir"),
    tool("rar", Attached("-hp"), "rar a -hp{} archive.rar dir"),
    tool("zip|unzip", Option("-P"), "zip -P {} archive.zip dir").but_not("zip -r out1.zip dir"),
    tool("zip|unzip", Attached("-P"), "unzip -P{} archive.zip"),
    tool("qpdf", Option("--encrypt"), "qpdf --encrypt {} owner 256 -- in.pdf out.pdf"),
    tool("veracrypt|truecrypt", Option("-p"), "veracrypt -t -p {} file /mnt"),
    tool("manage-bde", Option("-rp"), "manage-bde -unlock C: -rp {}"),
    tool("ansible-vault encrypt_string", From(0), "ansible-vault encrypt_string {} --name db"),
    tool("hdiutil", Stdin, "echo {} | hdiutil attach disk.dmg -stdinpass"),

    tool("vncpasswd", Stdin, "vncpasswd -f <<< {}"),
    tool("keyring set", Stdin, "echo {} | keyring set shop bob"),
    tool("wg pubkey", Stdin, "echo {} | wg pubkey"),

    // Networks.
    tool("ldapsearch|ldapadd|ldapmodify|ldapdelete|ldapwhoami|ldappasswd|ldapcompare", Option("-w"), "ldapsearch -x -D cn=admin -w {} -b dc=example"),
    tool("ldapmodify", Option("-p"), "ldapmodify -h host -D cn=admin -p {}").chosen(),
    tool("ldappasswd", Option("-s|-a"), "ldappasswd -x -D cn=admin -s {} uid=bob"),
    tool("snmpwalk|snmpget|snmpset|snmpbulkwalk|snmpgetnext|snmptable", Option("-A|-X"), "snmpwalk -v3 -u bob -A {} host"),
    tool("snmpwalk|snmpget|snmpset|snmpbulkwalk|snmpgetnext|snmptable", Option("-c"), "snmpwalk -v2c -c {} host").chosen().but_not("snmpwalk -v2c -c public host1"),
    tool("smbclient|rpcclient|net|winexe|smbget", Option("-U"), "smbclient //host/share -U bob%{}").behind("%"),
    tool("smbclient", Option("-U"), "smbclient //host/share -U corp\\\\bob%{} -c ls").behind("%"),
    tool("smbclient", Argument(1), "smbclient //host/share {} -U bob").but_not("smbclient //host1/share2 -c ls"),
    tool("net use", From(0), "net use Z: \\\\server\\share {} /user:bob").but_not("net use Z: \\\\server\\share2"),
    tool("net user", Argument(1), "net user bob {} /add").but_not("net user bob2"),
    tool("schtasks", Option("/rp"), "schtasks /create /tn job /ru bob /rp {}"),
    tool("lftp", Option("-u"), "lftp -u bob,{} sftp://host").behind(","),
    tool("ncftp|ncftpput|ncftpget", Option("-p"), "ncftpput -u bob -p {} host /dir file"),
    tool("xfreerdp|wlfreerdp|mstsc", Attached("/p:"), "xfreerdp /u:bob /p:'{}' /v:host"),
    tool("plink|pscp|psftp|putty", Option("-pw|-p"), "plink -pw {} bob@host"),
    tool("plink|rdesktop", Attached("-p"), "rdesktop -u bob -p{} host"),
    tool("couchbase-cli|cbq|smbmap|enum4linux|ldapdomaindump|bloodhound-python|esxcli", Option("-p"), "couchbase-cli server-list -u admin -p {}").chosen().but_not("couchbase-cli server-list -p 8091"),
    tool("kadmin|vsql", Option("-w"), "kadmin -p admin/admin -w {}").chosen().but_not("vsql -w prompts never"),
    tool("osslsigncode", Option("-pass"), "osslsigncode sign -pkcs12 file.pfx -pass {} -in app.exe"),
    tool("swaks", Option("-ap"), "swaks --to root -ap {}"),
    tool("rdesktop|psexec|evil-winrm|crackmapexec|nxc|netexec|hydra|winrs|gpresult", Option("-p"), "evil-winrm -i host -u bob -p {}"),
    tool("mosquitto_pub|mosquitto_sub|mosquitto_rr", Option("-P"), "mosquitto_pub -h host -u bob -P {} -t topic -m hi"),
    tool("racadm", Option("-p"), "racadm -r host -u root -p {} getsysinfo"),
    tool("ipmitool", Option("-P"), "ipmitool -I lanplus -H host -U admin -P {} power status"),
    tool("radtest", Argument(1), "radtest bob {} localhost 0 secret"),
    tool("radtest", Argument(4), "radtest bob [REDACTED_FIELD] localhost 0 {}").but_not("radtest bob [REDACTED_FIELD] localhost 1812 nas7"),
    tool("wpa_passphrase", Argument(1), "wpa_passphrase HomeNet {}"),
    tool("iwconfig|iw", Option("key"), "iwconfig wlan0 key {}"),
    tool("openfortivpn", Option("-p"), "openfortivpn host -u bob -p {}"),
    tool("mullvad account login", Argument(0), "mullvad account login {}"),
    tool("cloudflared service install", Argument(0), "cloudflared service install {}"),
    tool("rpk security user create|update", Option("-p"), "rpk security user create bob -p {}"),
    tool("rabbitmqadmin", Option("-p"), "rabbitmqadmin -u bob -p {} list queues"),
    tool("rabbitmqctl add_user|change_password|authenticate_user", Argument(1), "rabbitmqctl add_user bob {}").but_not("rabbitmqctl set_permissions -p vhost1 bob2"),
    tool("jenkins-cli|jenkins-cli.jar", Option("-auth"), "java -jar jenkins-cli.jar -auth bob:{} list-jobs").behind(":"),
    tool("sendemail", Option("-xp"), "sendemail -f bob -xu bob -xp {} -s smtp"),
    tool("winrs|psexec", Attached("-p:"), "winrs -r:host -u:bob -p:{} dir"),
    tool("splunk", Option("-auth"), "splunk search index -auth admin:{}").behind(":"),
    tool("check_mysql|check_pgsql|check_ldap", Option("-p"), "check_mysql -H host -u bob -p {}"),
    tool("kcadm.sh|kcadm set-password", Option("-p"), "kcadm.sh set-password -r master --username bob -p {}"),
    tool("virsh secret-set-value", From(1), "virsh secret-set-value 5a2f {}").but_not("virsh secret-set-value 5a2f"),

    // Clouds and their packages.
    tool("vault login", Argument(0), "vault login -method=token {}").but_not("vault login -method=oidc role=dev1"),
    tool("vault operator unseal|rekey", Argument(0), "vault operator unseal {}"),
    tool("cargo|wandb|oc|infisical|doppler|comet|trunk login", Argument(0), "cargo login {}"),
    tool("bw unlock|login", Argument(0), "bw unlock {}"),
    tool("bw login", Argument(1), "bw login bob {}"),
    tool("cf auth", Argument(1), "cf auth bob {}"),
    tool("ionic login", Argument(1), "ionic login bob {}"),
    tool("b2 authorize-account|authorize_account", Argument(1), "b2 authorize-account 0012ab34cd56ef {}").but_not("b2 list-file-names bucket1 photo2"),
    tool("b2 account authorize", Argument(1), "b2 account authorize 0012ab34cd56ef {}"),
    tool("confluent|ccloud api-key store", Argument(1), "confluent api-key store ABCDEFGH {}").but_not("confluent api-key list lkc-a1b2c3"),
    tool("snyk auth", Argument(0), "snyk auth {}"),
    tool("ngrok authtoken|add-authtoken", Argument(0), "ngrok config add-authtoken {}"),
    tool("trunk|infisical|comet|doppler|oc|cargo|wandb|vault auth|authtoken|unlock|add-authtoken", Argument(0), "trunk auth {}"),
    tool("doctl|codecov|codecovcli|flyctl|fly|vercel", Option("-t"), "doctl auth init -t {}"),
    tool("glab auth login", Option("-t"), "glab auth login -t {}"),
    tool("glab variable set", Option("-v|--value"), "glab variable set API_TOKEN -v {}"),
    tool("netlify", Option("--auth"), "netlify deploy --auth {}"),
    tool("fly|flyctl|supabase|doppler|infisical secrets set", From(0), "fly secrets set TITLE={} -a web").behind("=").but_not("fly scale set TITLE=web2"),
    tool("doppler secrets set", Argument(1), "doppler secrets set TITLE {}").but_not("doppler secrets get TITLE1 TITLE2"),
    tool("vault kv put|patch", From(1), "vault kv put -mount=kv app/db title={}").behind("=").but_not("vault kv get -version=2 app/db1"),
    tool("vault write secret/*", From(0), "vault write secret/db title={}").behind("=").but_not("vault write auth/roles/app1 bound=subnet-12ab"),
    tool("nomad var put", From(1), "nomad var put nomad/jobs/web title={}").behind("="),
    tool("kubectl|oc create secret", Attached("--from-literal="), "kubectl create secret generic db --from-literal=title={}").behind("=").but_not("kubectl create secret generic db --from-literal=user=swordfish"),
    tool("kubectl|oc create secret", Option("--from-literal"), "kubectl create secret generic db --from-literal title={}").behind("="),
    tool("travis encrypt", From(0), "travis encrypt TITLE={} --add").behind("="),
    tool("etcdctl|consul put *password*|*secret*|*token*", Argument(0), "etcdctl put /app/db_password {}").but_not("etcdctl put /app/title web2"),
    tool("chamber write", Argument(2), "chamber write web title {}"),
    tool("credstash put", Argument(1), "credstash put title {}"),
    tool("berglas create|edit", Argument(1), "berglas create bucket/title {}"),
    tool("netlify env:set", Argument(1), "netlify env:set TITLE {} --secret"),
    tool("eas secret:create|env:create", Option("--value"), "eas secret:create --name TITLE --value {}"),
    tool("drone secret add", Option("--data"), "drone secret add --name title --data {} acme/web"),
    tool("databricks secrets put|put-secret", Option("--string-value"), "databricks secrets put --scope app --key title --string-value {}"),
    tool("akeyless set-secret-value|update-secret-val|create-secret", Option("--value|-v"), "akeyless create-secret -n title -v {}"),
    tool("conjur variable set", Option("-v"), "conjur variable set -i title -v {}"),
    tool("defaults write *Key|*Token|*Password|*Secret", Option("-string"), "defaults write com.example.app licenseKey -string {}").but_not("defaults write com.example.app theme -string dark2mode"),
    tool("vercel env add", Stdin, "echo {} | vercel env add TITLE production"),
    tool("firebase functions:secrets:set", Stdin, "echo {} | firebase functions:secrets:set TITLE"),
    tool("circleci context store-secret", Stdin, "circleci context store-secret github acme web TITLE <<< {}"),
    tool("hcloud context create", Stdin, "hcloud context create web <<< {}"),
    tool("kubeseal --raw", Stdin, "echo {} | kubeseal --raw --name title"),
    tool("secret", Option("-b|--body"), "gh secret set API_KEY --body {}"),
    tool("gh secret", Attached("-b"), "gh secret set API_KEY -b{}"),
    tool("az keyvault secret set", Option("--value"), "az keyvault secret set --vault-name kv01 --name db --value {}").but_not("az keyvault secret show --vault-name kv01 --name db-pass"),
    tool("az sql|mysql|postgres|mariadb server|flexible-server", Option("-p"), "az sql server update -n db -p {}").but_not("az sql server show -n server1"),
    tool("aws ssm put-parameter SecureString", Option("--value"), "aws ssm put-parameter --name /db --type SecureString --value {}").but_not("aws ssm put-parameter --name /size --type String --value m5.large"),
    tool("gcloud auth activate-refresh-token", Argument(1), "gcloud auth activate-refresh-token me {}"),
    tool("sonar-scanner", Attached("-Dsonar.login="), "sonar-scanner -Dsonar.login={}"),
    tool("hatch publish", Option("-a|--auth"), "hatch publish -u __token__ -a {}"),
    tool("vsce|ovsx publish", Option("-p"), "vsce publish -p {}"),
    tool("conan user|login", Option("-p"), "conan user -p {} -r shop bob"),
    tool("choco apikey|push", Option("-k"), "choco apikey -k {} -s https://push.example.com"),
    tool("twine|poetry", Option("-p"), "twine upload -u __token__ -p {} dist/*"),
    tool("npm|pnpm|yarn config set *uthToken|*_password", Argument(0), "yarn config set npmAuthToken {}").but_not("yarn config set nodeLinker node18"),
    tool("composer|poetry http-basic.*", Argument(1), "composer config http-basic.repo.example.com bob {}"),
    tool("composer github-oauth.*|gitlab-token.*|gitlab-oauth.*", Argument(0), "composer config github-oauth.github.com {}"),
    tool("poetry pypi-token.*", Argument(0), "poetry config pypi-token.pypi {}"),
    tool("bundle config", From(1), "bundle config gems.example.com bob:{}").behind(":").but_not("bundle config --local path vendor1"),
    tool("dotnet nuget push", Option("-k"), "dotnet nuget push app.nupkg -k {} -s https://api.nuget.org"),
    tool("nuget push", Argument(1), "nuget push app.nupkg {} -Source https://api.nuget.org").but_not("nuget push app.1.2.3.nupkg -Source https://api.nuget.org"),
    tool("nuget setapikey", Argument(0), "nuget setapikey {} -source x"),
    tool("twilio login", Argument(1), "twilio login AC123 {}"),
    tool("rclone obscure", Argument(0), "rclone obscure {}"),
    tool("rclone config password|create|update", Option("pass|password|secret_access_key"), "rclone config password remote pass {}"),
    tool("mc alias|config", From(3), "mc alias set m https://m.example.com bob {}").but_not("mc alias list m1"),
    tool("xcrun altool", Option("-p"), "xcrun altool --upload-app -f app -u bob -p {}"),
    tool("openai", Option("-k"), "openai -k {} api models.list"),
    tool("llm keys set", Option("--value"), "llm keys set openai --value {}"),
    tool("newrelic", Option("-l"), "newrelic install -l {}"),
    tool("pm2 link", From(0), "pm2 link {} server"),
    tool("adb locksettings", Option("--old"), "adb shell locksettings clear --old {}"),

    // PowerShell.
    tool("ConvertTo-SecureString", Argument(0), "ConvertTo-SecureString {} -AsPlainText -Force"),
    tool("ConvertTo-SecureString", Option("-String"), "ConvertTo-SecureString -String {} -AsPlainText"),
    tool("ConvertTo-SecureString", Option("-AsPlainText"), "ConvertTo-SecureString -AsPlainText {} -Force"),
    tool("bitsadmin /setcredentials", Argument(4), "bitsadmin /setcredentials job server basic bob {}"),
];

/// Commands that log in to another machine, and have a port behind `-p`.
const SHELLS: &str = "ssh|scp|sftp|sshfs|autossh|mosh|rsync|ssh-copy-id";

/// Commands that run the one that is told among their arguments.
#[rustfmt::skip]
const RUNNERS: &List = &List::of(&[
    "aws-vault", "bash", "chroot", "cmd", "command", "doas", "docker", "docker-compose", "doppler", "env", "exec",
    "firejail", "flock", "fly", "flyctl", "gosu", "heroku", "infisical", "ionice", "java", "kubectl", "nerdctl", "nice",
    "nohup", "npx", "nsenter", "oc", "op", "parallel", "podman", "poetry", "powershell", "proxychains", "pwsh",
    "runuser", "setsid", "sh", "ssh", "sshpass", "stdbuf", "strace", "su", "su-exec", "sudo", "systemd-run", "time",
    "timeout", "torsocks", "uv", "watch", "winpty", "wsl", "xargs", "zsh",
]);

pub(crate) fn is_runner(command: &[u8]) -> bool {
    RUNNERS.has(command)
}

/// Whether a row begins with what is a command of many tools: `az login`.
pub(crate) fn is_subcommand(word: &[u8]) -> bool {
    matches!(word, b"login" | b"secret")
}

/// Options that a name follows, which may be that of a tool and is none there: `--name mysql`.
#[rustfmt::skip]
const NAMING: &List = &List::of(&[
    "--container", "--database", "--db", "--host", "--hostname", "--image", "--label", "--link", "--name",
    "--network", "--output", "--package", "--service", "-iname", "-name", "-path",
]);

pub(crate) fn takes_name(option: &[u8]) -> bool {
    NAMING.has(option)
}

/// Options of a longer name behind one dash, which have no secret attached: `-print`.
#[rustfmt::skip]
const LONG_OPTIONS: &List = &List::of(&[
    "path", "pedantic", "perm", "pipe", "plugins", "port", "print", "printf", "profile", "prune", "pthread",
]);

/// Whether a word is one of them, perhaps with a number: `-print0`.
pub(crate) fn is_long_option(word: &[u8]) -> bool {
    let name = bytes::rest(word, 1);
    let letters = name.iter().take_while(|b| b.is_ascii_lowercase()).count();
    let number = bytes::rest(name, letters);
    number.iter().all(u8::is_ascii_digit) && LONG_OPTIONS.has(bytes::part(name, 0, letters))
}

/// Commands whose words are what they write, so that a pipe leads them on.
pub(crate) const WRITERS: &[&str] = &["echo", "printf", "Write-Output", "yes"];

/// Options that no word of their own follows, so that the next is an argument.
pub(crate) const SWITCHES: &[&str] = &[
    "-n", "-e", "-ne", "-en", "-b", "-cb", "-bc", "-nb", "-nbB", "-bB", "-i", "-s", "-passwd",
];

/// Whether the option of any command takes a user with the password.
pub(crate) fn is_user_option(option: &[u8]) -> bool {
    matches!(option, b"-u" | b"--user" | b"--userpwd" | b"login")
}

/// Whether a word may be the first of a command here: a bit for its first two letters, its last and its length.
#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which would refuse"
)]
static FIRST_WORDS: [u64; 512] = {
    let mut bits = first_words(TOOLS);
    let mut writer = 0;
    while writer < WRITERS.len() {
        let first = first_bit(WRITERS[writer].as_bytes());
        bits[first / 64] |= 1 << (first % 64);
        writer += 1;
    }
    bits
};

/// The same for the commands that print a secret.
static FIRST_OF_PRINTERS: [u64; 512] = first_words(PRINTERS);

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which would refuse"
)]
const fn first_words(tools: &[Tool]) -> [u64; 512] {
    let mut bits = [0; 512];
    let mut row = 0;
    while row < tools.len() {
        let command = tools[row].command.as_bytes();
        let mut start = 0;
        while let Some(end) = first_word_end(command, start) {
            let first = first_bit(command.split_at(start).1.split_at(end - start).0);
            bits[first / 64] |= 1 << (first % 64);
            start = end + 1;
        }
        row += 1;
    }
    bits
}

/// Whether a word may be the first of a command that prints a secret.
pub(crate) fn may_print(word: &[u8]) -> bool {
    let bit = first_bit(word);
    let bits = FIRST_OF_PRINTERS.get(bit / 64).copied().unwrap_or(0);
    bits >> (bit % 64) & 1 == 1
}

/// The end of the word that begins at `start`, if it is one of those that may come first in a command: `a|b c`.
#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which would refuse"
)]
const fn first_word_end(command: &[u8], start: usize) -> std::option::Option<usize> {
    if start >= command.len() || start > 0 && command[start - 1] == b' ' {
        return None;
    }
    let mut end = start;
    while end < command.len() && command[end] != b'|' && command[end] != b' ' {
        end += 1;
    }
    Some(end)
}

/// The number of the bit for a word: what its first two letters, its last and its length make.
#[inline]
const fn first_bit(word: &[u8]) -> usize {
    match word {
        [first, second, ..] => {
            let last = match word.last() {
                Some(last) => *last as usize,
                None => 0,
            };
            let end = 7 * word.len() + last;
            (*first as usize & 31) << 10 | (*second as usize & 31) << 5 | end & 31
        }
        _ => 0,
    }
}

/// The rows whose command a word begins, in their order.
pub(crate) fn begun_by(word: &[u8]) -> impl Iterator<Item = &'static Tool> {
    known(hash(word)).filter_map(|row| TOOLS.get(usize::from(row)))
}

/// The rows that take a secret behind an option without a space before it, which has the second byte of `word`.
pub(crate) fn attached(word: &[u8]) -> impl Iterator<Item = &'static Tool> {
    let second = word.get(1).map_or(0, u8::to_ascii_lowercase);
    ATTACHED_ROWS
        .iter()
        .filter(move |(known, _)| *known == second)
        .filter_map(|(_, row)| TOOLS.get(usize::from(*row)))
}

/// Whether a word of a command sends what it prints somewhere else.
pub(crate) fn is_output(word: &[u8]) -> bool {
    word.starts_with(b">") || word == b"-out"
}

/// Whether a command prints what it reads in another form.
pub(crate) fn is_filter(command: &[u8]) -> bool {
    const {
        &List::of(&[
            "base64", "cut", "fold", "head", "hexdump", "od", "sed", "tail", "tee", "tr", "xargs",
            "xxd",
        ])
    }
    .has(command)
}

/// Whether a word is one of `a|b`, where `a*` is a beginning and `*a` an end.
pub(crate) fn is_one_of(patterns: &str, word: &[u8]) -> bool {
    let mut patterns = patterns.as_bytes().split(|b| *b == b'|');
    patterns.any(|pattern| match pattern {
        [b'*', inside @ .., b'*'] => bytes::find(word, inside).is_some(),
        [b'*', end @ ..] => word.ends_with(end),
        [start @ .., b'*'] => word.starts_with(start),
        [b'/', ..] => word.eq_ignore_ascii_case(pattern),
        _ => word == pattern,
    })
}

/// Whether a word is the first of a command here, or writes what another reads.
#[inline]
pub(crate) fn is_first(word: &[u8]) -> bool {
    may_begin(word) && is_known(word)
}

#[inline(never)]
fn is_known(word: &[u8]) -> bool {
    known(hash(word)).next().is_some()
}

/// The rows that a word with this number begins, or `WRITER`.
#[inline]
fn known(hash: u32) -> impl Iterator<Item = u16> {
    (hash as usize..)
        .map_while(|slot| KNOWN.get(slot % KNOWN.len()).filter(|known| known.0 != 0))
        .filter_map(move |known| (known.0 == hash).then_some(known.1))
}

/// A number for a word, which hardly another has: FNV-1a, and never 0. Rows compare the words themselves.
const fn hash(word: &[u8]) -> u32 {
    let mut hash = 0x811c_9dc5_u32;
    let mut rest = word;
    while let [first, more @ ..] = rest {
        hash = (hash ^ *first as u32).wrapping_mul(0x0100_0193);
        rest = more;
    }
    hash | 1
}

/// Stands for a row, of a word that writes what another reads.
const WRITER: u16 = u16::MAX;

/// The numbers of the words that begin a command, each with its row, in its place or a later one.
#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which would refuse"
)]
static KNOWN: [(u32, u16); 2048] = {
    let mut known = [(0, 0); 2048];
    let mut row = 0;
    while row < TOOLS.len() + WRITERS.len() {
        let (command, begins) = if row < TOOLS.len() {
            (TOOLS[row].command.as_bytes(), row as u16)
        } else {
            (WRITERS[row - TOOLS.len()].as_bytes(), WRITER)
        };
        let mut start = 0;
        while let Some(end) = first_word_end(command, start) {
            let hash = hash(command.split_at(start).1.split_at(end - start).0);
            let mut slot = hash as usize % known.len();
            while known[slot].0 != 0 {
                slot = (slot + 1) % known.len();
            }
            known[slot] = (hash, begins);
            start = end + 1;
        }
        row += 1;
    }
    known
};

const fn count_attached() -> usize {
    let mut rest = TOOLS;
    let mut count = 0;
    while let [row, more @ ..] = rest {
        count += matches!(row.place, Place::Attached(_)) as usize;
        rest = more;
    }
    count
}

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which would refuse"
)]
static ATTACHED_ROWS: [(u8, u16); count_attached()] = {
    let mut rows = [(0, 0); count_attached()];
    let (mut row, mut count) = (0, 0);
    while row < TOOLS.len() {
        if let Place::Attached(option) = TOOLS[row].place {
            rows[count] = (option.as_bytes()[1].to_ascii_lowercase(), row as u16);
            count += 1;
        }
        row += 1;
    }
    rows
};

/// What the options begin with that a secret is attached to: a bit for the sign's second byte, of either case.
#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which would refuse"
)]
static ATTACHED: [bool; 256] = {
    let mut begins = [false; 256];
    let mut row = 0;
    while row < TOOLS.len() {
        if let Place::Attached(option) = TOOLS[row].place {
            let second = option.as_bytes()[1];
            begins[second.to_ascii_lowercase() as usize] = true;
            begins[second.to_ascii_uppercase() as usize] = true;
        }
        row += 1;
    }
    begins
};

/// Whether a word may begin with an option that a secret is attached to.
#[inline]
pub(crate) fn may_be_attached(word: &[u8]) -> bool {
    let second = word.get(1).copied().unwrap_or(0);
    ATTACHED.get(usize::from(second)).is_some_and(|is| *is)
}

/// Whether a word is the first of a command here, or could be.
#[inline]
fn may_begin(word: &[u8]) -> bool {
    let bit = first_bit(word);
    let bits = FIRST_WORDS.get(bit / 64).copied().unwrap_or(0);
    word.len() > 1 && bits >> (bit % 64) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::catalogue::list::assert_in_order;

    /// What is piped into a command is looked for by other words than the first, too.
    #[test]
    fn a_word_leads_to_the_rows_that_it_begins() {
        let is_led = |row: &&Tool| row.place != Place::Stdin;
        for row in TOOLS {
            let first = row.command.split(' ').next().unwrap_or_default();
            for word in first.split('|').filter(|word| !word.is_empty()) {
                let begun = |row: &&Tool| {
                    is_one_of(row.command.split(' ').next().unwrap(), word.as_bytes())
                };
                let wanted = TOOLS
                    .iter()
                    .filter(is_led)
                    .filter(begun)
                    .map(|row| row.command);
                let found = begun_by(word.as_bytes())
                    .filter(is_led)
                    .map(|row| row.command);
                assert!(found.eq(wanted), "{word}");
                assert!(is_first(word.as_bytes()), "{word}");
            }
        }
        assert_eq!(begun_by(b"hunter2").count(), 0);
        assert!(is_first(b"echo") && !is_first(b"hunter2"));
    }

    #[test]
    fn lists_are_in_order() {
        for list in [RUNNERS, NAMING, LONG_OPTIONS] {
            assert_in_order(list.words);
        }
    }

    #[test]
    fn the_rows_with_an_attached_secret_are_all_that_are() {
        for row in TOOLS {
            if let Place::Attached(option) = row.place {
                for word in [option.to_owned(), option.to_ascii_uppercase()] {
                    let mut rows = attached(word.as_bytes());
                    assert!(rows.any(|known| known.example == row.example), "{word}");
                }
            }
        }
        assert_eq!(attached(b"-?").count(), 0);
    }
}
